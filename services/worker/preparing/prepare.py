"""`model_preparation`: removes what makes a base model load slowly, and measures what each remedy brought."""

from collections.abc import Callable
from contextlib import suppress

from services.worker.diagnosis.checks import run_checks
from services.worker.diagnosis.report import make_report
from services.worker.failures import FailureCode, JobFailed
from services.worker.models.files.pickle_conversion import Conversion
from services.worker.models.files.weight_files import find_weights
from services.worker.models.hub.model_places import ModelFiles, ModelPlaces
from services.worker.models.hub.resolve import as_safetensors, locate_model
from services.worker.models.residency import Residency
from services.worker.preparing.course import Course, inspected
from services.worker.preparing.keep_copy import keep_copy
from services.worker.preparing.move_cache import move_cache
from services.worker.preparing.warm_page_cache import warm_page_cache
from services.worker.running_job import LeaseLost, RunningJob
from shared.messages.message import Message, say
from shared.reports.finding import AppliedRemedy
from shared.reports.load import LoadReport
from shared.reports.preparation import Preparation, PreparedLoad
from shared.schemas.requests import ModelPreparationRequest
from shared.settings import Settings


def prepare(
    request: ModelPreparationRequest,
    *,
    settings: Settings,
    residency: Residency,
    job: RunningJob,
    job_id: str | None = None,
    keep_report: Callable[[LoadReport], None] = lambda _: None,
) -> tuple[Preparation, LoadReport]:
    """Convert pickles, move the cache if that is asked for, keep the model as quantized, load it from there.

    The model stays in memory. What exists and verifies is not made again. Returns the record's result and
    the diagnosis as it is now, after giving that to `keep_report`; where a remedy fails, `keep_report` gets
    what was measured until then. Raises JobFailed as a load does, DISK_FULL and CACHE_NOT_MOVED.
    """
    files, converted = _files(request, settings, job)
    residency.evict()
    facts = inspected(files, request.revision, settings, job)
    course = Course(files, facts, settings, residency, job, job_id)
    if converted is not None:
        course.applied.append(converted)
    try:
        _apply(request, course)
    except LeaseLost:  # the job is another attempt's now
        raise
    except Exception:
        with suppress(OSError):  # it may be for a full disk that the remedy failed
            keep_report(_diagnosis(course))
        raise
    diagnosis = _diagnosis(course)
    keep_report(diagnosis)
    made = files.conversion is not None and files.conversion.made
    return _preparation(course, diagnosis, converted=made), diagnosis


def _apply(request: ModelPreparationRequest, course: Course) -> None:
    if request.move_cache_to is not None:
        move_cache(course, request.move_cache_to)
    keep_copy(course)
    if request.warm_page_cache:
        warm_page_cache(course)


def _diagnosis(course: Course) -> LoadReport:
    return make_report(course.facts, run_checks(course.facts), course.applied)


def _preparation(course: Course, diagnosis: LoadReport, *, converted: bool) -> Preparation:
    copied = next((remedy for remedy in course.applied if remedy.remedy == "nf4_copy"), None)
    return Preparation(
        model=course.files.name,
        artifact=course.copy.name if course.copy else None,
        converted=converted,
        source_bytes=course.facts.checkpoint.opened_bytes,
        artifact_bytes=course.facts.copy_in_use.bytes if course.facts.copy_in_use else None,
        save_seconds=course.save_seconds,
        load=PreparedLoad(
            before_seconds=copied.before_seconds,
            predicted_seconds=copied.predicted_seconds,
            after_seconds=copied.measured_seconds,
            limit_seconds=copied.limit_seconds,
        )
        if copied
        else PreparedLoad(),
        applied=tuple(course.applied),
        text=diagnosis.text,
    )


def _files(
    request: ModelPreparationRequest, settings: Settings, job: RunningJob
) -> tuple[ModelFiles, AppliedRemedy | None]:
    """The model as safetensors, and what was done for that.

    A model that is to be moved is left where it lies: the load from there is what a move is compared with.
    """
    name, places = request.model or settings.default_model, ModelPlaces.of(settings)
    import_it = request.move_cache_to is None
    located = locate_model(name, request.revision, places, job=job, import_it=import_it)
    pickles = find_weights(located.folder)
    if pickles.form != "bin":
        return as_safetensors(located, places, job=job), None
    if not request.convert_pickle:
        raise JobFailed(
            FailureCode.MODEL_REFUSED,
            say("model-has-pickles-only", model=name),
            say("leave-out-convert-pickle"),
        )
    files = as_safetensors(located, places, job=job, verify=True)
    return files, AppliedRemedy(
        remedy="convert_pickle",
        action=_conversion_told(len(pickles.files), files.conversion),
        note=say("conversion-is-for-safety"),
    )


def _conversion_told(count: int, conversion: Conversion | None) -> Message:
    made = conversion is not None and conversion.made
    return say("converted-pickles" if made else "pickles-converted-before", pickles=count)
