"""Every page of the API, in one table."""

from http import HTTPMethod

from services.api import fine_tuning_routes as tuning
from services.api import openai_shapes as shapes
from services.api.data_report_routes import AnsweredDataReport, DataReportRequest, report_dataset
from services.api.event_routes import (
    EVENT_STREAM,
    EventList,
    EventsQuery,
    StreamQuery,
    follow_events,
    list_events,
)
from services.api.file_routes import (
    FilesQuery,
    delete_file,
    get_file,
    get_file_content,
    list_files,
    upload_file,
)
from services.api.health_routes import Health, Readiness, get_health, get_readiness
from services.api.job_routes import (
    AdapterQuery,
    JobList,
    JobsQuery,
    ReportQuery,
    cancel_job,
    create_job,
    get_adapter,
    get_job,
    get_report,
    list_jobs,
    pause_job,
    resume_job,
)
from services.api.model_routes import get_model, list_models
from services.api.queue_routes import (
    MoveRequest,
    QueueState,
    get_queue,
    move_job,
    pause_queue,
    resume_queue,
)
from services.api.removal_routes import JobDeleted, PruneRequest, Pruning, delete_job, delete_model, prune
from services.api.routing import Route
from services.api.webhook_routes import DeliveriesQuery, DeliveryList, list_deliveries, resend_delivery
from shared.errors import (
    AdapterDamaged,
    DatasetUnknown,
    DiskFull,
    IdempotencyMismatch,
    InUse,
    InvalidDataset,
    InvalidField,
    InvalidTransition,
    MalformedRequest,
    ModelUnknown,
    ModelUnusable,
    NotFinished,
    NotFound,
    NotReady,
    TooLarge,
    TooManyJobs,
    TooManyStreams,
)
from shared.schemas.deliveries import Delivery
from shared.schemas.records import AcceptedJob, JobRecord
from shared.schemas.requests import JobRequest

GET, POST, DELETE = HTTPMethod.GET, HTTPMethod.POST, HTTPMethod.DELETE
SUBMIT_REFUSALS = (
    MalformedRequest, TooLarge, InvalidField, ModelUnknown, ModelUnusable, DatasetUnknown, InvalidDataset,
    IdempotencyMismatch, TooManyJobs, DiskFull,
)  # fmt: skip

JOBS = (
    Route(
        POST, "/v1/jobs", create_job, "Submit a job",
        answer=AcceptedJob, status=202, body=JobRequest, refusals=SUBMIT_REFUSALS, is_repeatable=True,
    ),
    Route(GET, "/v1/jobs", list_jobs, "List jobs", answer=JobList, query=JobsQuery),
    Route(GET, "/v1/jobs/<job_id>", get_job, "Read a job", answer=JobRecord, refusals=(NotFound,)),
    Route(
        DELETE, "/v1/jobs/<job_id>", delete_job, "Delete a job that has ended",
        answer=JobDeleted, refusals=(NotFound, InvalidTransition, InUse, DiskFull),
    ),
    Route(
        POST, "/v1/jobs/<job_id>/cancel", cancel_job, "Cancel a job",
        answer=JobRecord, status=202, refusals=(NotFound, InvalidTransition),
    ),
    Route(
        POST, "/v1/jobs/<job_id>/pause", pause_job, "Pause a job",
        answer=JobRecord, status=202, refusals=(NotFound, InvalidTransition),
    ),
    Route(
        POST, "/v1/jobs/<job_id>/resume", resume_job, "Resume a paused job",
        answer=JobRecord, status=202, refusals=(NotFound, InvalidTransition),
    ),
    Route(
        POST, "/v1/jobs/<job_id>/move", move_job, "Move a queued job, or change its priority",
        answer=JobRecord, body=MoveRequest,
        refusals=(MalformedRequest, TooLarge, InvalidField, NotFound, InvalidTransition),
    ),
    Route(
        GET, "/v1/jobs/<job_id>/events", list_events, "List a job's events, or follow them",
        answer=EventList, query=EventsQuery, refusals=(NotFound, TooManyStreams), is_stream=True,
    ),
    Route(
        GET, "/v1/events", follow_events, "Follow the events of all jobs",
        answer=EVENT_STREAM, query=StreamQuery, refusals=(NotFound, TooManyStreams), is_stream=True,
    ),
    Route(
        GET, "/v1/jobs/<job_id>/report", get_report, "Read a job's result",
        other_answers=("text/html",), query=ReportQuery, refusals=(NotFound, NotFinished),
    ),
    Route(
        GET, "/v1/jobs/<job_id>/adapter", get_adapter, "Download a job's adapter",
        answer="application/x-tar", query=AdapterQuery, refusals=(NotFound, NotFinished, AdapterDamaged),
    ),
)  # fmt: skip

QUEUE = (
    Route(GET, "/v1/queue", get_queue, "Read whether jobs may start", answer=QueueState),
    Route(POST, "/v1/queue/pause", pause_queue, "Pause what runs, and let no job start", answer=QueueState),
    Route(POST, "/v1/queue/resume", resume_queue, "Let jobs start again", answer=QueueState),
)  # fmt: skip

RETENTION = (
    Route(
        POST, "/v1/prune", prune, "Delete the oldest jobs that have ended",
        answer=Pruning, body=PruneRequest, refusals=(MalformedRequest, TooLarge, InvalidField, DiskFull),
    ),
)  # fmt: skip

FILES = (
    Route(
        POST, "/v1/files", upload_file, "Upload a file",
        answer=shapes.FileObject, is_upload=True,
        refusals=(MalformedRequest, TooLarge, InvalidField, DiskFull),
    ),
    Route(GET, "/v1/files", list_files, "List files", answer=shapes.FileList, query=FilesQuery),
    Route(
        GET, "/v1/files/<file_id>", get_file, "Read what is known of a file",
        answer=shapes.FileObject, refusals=(NotFound,),
    ),
    Route(
        DELETE, "/v1/files/<file_id>", delete_file, "Delete a file",
        answer=shapes.FileDeleted, refusals=(NotFound, InvalidField, DiskFull),
    ),
    Route(
        GET, "/v1/files/<file_id>/content", get_file_content, "Download a file",
        answer="application/octet-stream", refusals=(NotFound,),
    ),
)  # fmt: skip

DATASETS = (
    Route(
        POST, "/v1/datasets/reports", report_dataset, "Report what is wrong or odd in a data set",
        answer=AnsweredDataReport, body=DataReportRequest, refusals=SUBMIT_REFUSALS, is_repeatable=True,
    ),
)  # fmt: skip

FINE_TUNING = (
    Route(
        POST, "/v1/fine_tuning/jobs", tuning.create_fine_tuning_job, "Create a fine-tuning job",
        answer=shapes.AcceptedFineTuningJob, body=shapes.CreateFineTuningJob, refusals=SUBMIT_REFUSALS,
        is_repeatable=True,
    ),
    Route(
        GET, "/v1/fine_tuning/jobs", tuning.list_fine_tuning_jobs, "List fine-tuning jobs",
        answer=shapes.FineTuningJobList, query=tuning.FineTuningJobsQuery,
    ),
    Route(
        GET, "/v1/fine_tuning/jobs/<job_id>", tuning.get_fine_tuning_job, "Read a fine-tuning job",
        answer=shapes.FineTuningJob, refusals=(NotFound,),
    ),
    Route(
        POST, "/v1/fine_tuning/jobs/<job_id>/cancel", tuning.cancel_fine_tuning_job, "Cancel it",
        answer=shapes.FineTuningJob, refusals=(NotFound, InvalidTransition),
    ),
    Route(
        POST, "/v1/fine_tuning/jobs/<job_id>/pause", tuning.pause_fine_tuning_job, "Pause it",
        answer=shapes.FineTuningJob, refusals=(NotFound, InvalidTransition),
    ),
    Route(
        POST, "/v1/fine_tuning/jobs/<job_id>/resume", tuning.resume_fine_tuning_job, "Resume it",
        answer=shapes.FineTuningJob, refusals=(NotFound, InvalidTransition),
    ),
    Route(
        GET, "/v1/fine_tuning/jobs/<job_id>/events", tuning.list_fine_tuning_events, "List its events",
        answer=shapes.FineTuningEventList, query=tuning.FineTuningEventsQuery, refusals=(NotFound,),
    ),
    Route(
        GET, "/v1/fine_tuning/jobs/<job_id>/checkpoints", tuning.list_checkpoints, "List its checkpoints",
        answer=shapes.CheckpointList, query=tuning.CheckpointsQuery, refusals=(NotFound,),
    ),
)  # fmt: skip

MODELS = (
    Route(GET, "/v1/models", list_models, "List models", answer=shapes.ModelList),
    Route(
        GET, "/v1/models/<path:model_id>", get_model, "Read what is known of a model",
        answer=shapes.Model, refusals=(NotFound,),
    ),
    Route(
        DELETE, "/v1/models/<path:model_id>", delete_model, "Delete a fine-tuned model",
        answer=shapes.ModelDeleted, refusals=(NotFound, InUse, InvalidField, DiskFull),
    ),
)  # fmt: skip

WEBHOOKS = (
    Route(
        GET, "/v1/webhooks/deliveries", list_deliveries, "List deliveries of webhooks",
        answer=DeliveryList, query=DeliveriesQuery,
    ),
    Route(
        POST, "/v1/webhooks/deliveries/<delivery_id>/resend", resend_delivery, "Send a webhook once more",
        answer=Delivery, status=202, refusals=(NotFound,),
    ),
)  # fmt: skip

HEALTH = (
    Route(GET, "/healthz", get_health, "Is the API alive?", answer=Health, is_public=True),
    Route(
        GET, "/readyz", get_readiness, "Would a job run now?",
        answer=Readiness, is_public=True, refusals=(NotReady,),
    ),
)  # fmt: skip

ROUTES_BY_GROUP = {
    "Jobs": JOBS,
    "Queue": QUEUE,
    "Retention": RETENTION,
    "Files": FILES,
    "Data sets": DATASETS,
    "Fine-tuning, as OpenAI's clients speak it": FINE_TUNING,
    "Models": MODELS,
    "Webhooks": WEBHOOKS,
    "Health": HEALTH,
}
ROUTES = tuple(route for routes in ROUTES_BY_GROUP.values() for route in routes)
