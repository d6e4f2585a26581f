"""The way of a request to a queued job: check, prepare the rows, write the spec, record, ring."""

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from services.api.base_models import resolve_models
from services.api.free_space import disk_full_refused
from services.api.job_rows import prepare_rows
from services.api.service import Service
from services.api.tries import Try
from services.api.user_settings import Understood, understood
from shared.acceptance import OWNER, Acceptance, mark_accepted
from shared.adapters import adapter_folder, held_adapter, hold
from shared.cache_choice import cache_on, storage_names
from shared.durable import make_folder, write_durably
from shared.errors import InvalidField, ModelUnknown, StoreTakesNoWrites, StoreUnavailable
from shared.job_folder import JobFolder
from shared.job_records import Submission
from shared.jobs import new_job_id
from shared.messages.message import say
from shared.messages.render import shown
from shared.model_names import fine_tuned_model
from shared.schemas.datasets import DatasetSummary, JobWarning, PartWarning
from shared.schemas.records import AcceptedJob
from shared.schemas.requests import EvaluationRequest, FineTuningRequest, JobRequest, ModelPreparationRequest
from shared.settings import OWN_CACHE, Settings
from shared.webhook_url import WebhookUrl, may_be_private
from shared.writer_lock import writer_lock


@dataclass(frozen=True)
class Accepted:
    """The job that a request led to, and what the reader of its rows told."""

    submission: Submission
    warnings: tuple[PartWarning, ...] = ()

    @property
    def job(self) -> AcceptedJob:
        """The record and the warnings in one."""
        return AcceptedJob(
            **dict(self.submission.record), warnings=[for_reader(one) for one in self.warnings]
        )


def submit_job(service: Service, request: JobRequest, this_try: Try) -> Accepted:
    """Queue the job that `request` describes, or find the one an equal, earlier try made. Raises refusals."""
    earlier = service.store.find_repeat(
        owner=OWNER,
        idempotency_key=this_try.idempotency_key,
        fingerprint=this_try.fingerprint,
        is_retry=this_try.is_retry,
    )
    if earlier:
        return Accepted(Submission(earlier, created=False), _warnings_of(service.job_folder(earlier.id)))
    _check_webhook(request.webhook, service.settings)
    told = understood(resolve_models(service, request))
    request = told.request
    if isinstance(request, ModelPreparationRequest):
        _check_storage(request.move_cache_to, service.settings)
    job_id = new_job_id(request.kind)
    folder = service.job_folder(job_id)
    with _new_folder(folder):
        return _submit(service, told, job_id, folder, this_try)


@contextmanager
def _new_folder(folder: JobFolder) -> Iterator[None]:
    """Make the job's folder, and hold it until the job's fate is known: the sweep spares it so long."""
    try:
        with disk_full_refused():
            make_folder(folder.path.parent)
            folder.rows.mkdir(parents=True)
    except BaseException:
        shutil.rmtree(folder.path, ignore_errors=True)
        raise
    with writer_lock(folder.path):
        yield


def _submit(service: Service, told: Understood, job_id: str, folder: JobFolder, this_try: Try) -> Accepted:
    """Write the job's files, then tell the store."""
    try:
        with disk_full_refused():
            warnings = _write_spec(service, told, job_id, folder)
        submission = service.store.submit(
            job_id,
            told.request,
            owner=OWNER,
            idempotency_key=this_try.idempotency_key,
            fingerprint=this_try.fingerprint,
            is_retry=this_try.is_retry,
            max_queued_jobs=service.settings.max_queued_jobs,
            warnings=warnings,
        )
    except StoreUnavailable as refusal:
        if isinstance(refusal, StoreTakesNoWrites):
            shutil.rmtree(folder.path, ignore_errors=True)
        raise  # else it may have been taken before the store went silent: the sweep will know
    except BaseException:
        shutil.rmtree(folder.path, ignore_errors=True)
        raise
    if submission.created:
        service.ring(job_id)
        _mark(folder, submission, this_try)
    else:  # the same request came in twice at once, and the other one won
        shutil.rmtree(folder.path, ignore_errors=True)
        warnings = _warnings_of(service.job_folder(submission.record.id))
    return Accepted(submission, warnings)


def _mark(folder: JobFolder, submission: Submission, this_try: Try) -> None:
    """Only a submit whose outcome is unknown lacks the mark; see the sweep."""
    mark_accepted(
        folder,
        Acceptance(
            number=submission.number,
            created_at=submission.record.created_at,
            owner=OWNER,
            idempotency_key=this_try.idempotency_key,
            fingerprint=this_try.fingerprint,
        ),
    )


def _check_storage(storage: str | None, settings: Settings) -> None:
    if storage is not None and storage != OWN_CACHE and cache_on(storage, settings) is None:
        raise InvalidField(
            say("storage-unknown", storage=storage, storages=storage_names(settings)), param="move_cache_to"
        )


def _check_webhook(url: str | None, settings: Settings) -> None:
    """What a name leads to is looked up when something is sent."""
    if url is None:
        return
    target = WebhookUrl.read(url)
    allowed = may_be_private(target, settings.webhook_urls, settings.webhook_private_hosts)
    if target.is_private_as_written and not allowed:
        raise InvalidField(say("webhook-address-is-private", url=url, host=target.host), param="webhook")


def for_reader(warning: PartWarning) -> JobWarning:
    """In the reader's language."""
    return JobWarning.model_validate({**dict(warning), "message": shown(warning.message)})


def _warnings_of(folder: JobFolder) -> tuple[PartWarning, ...]:
    """What was told when the job in `folder` was made; nothing where its folder is gone."""
    try:
        datasets = json.loads(folder.spec.read_bytes())["datasets"]
        return _warnings({part: DatasetSummary.model_validate(summary) for part, summary in datasets.items()})
    except (OSError, ValueError, KeyError):
        return ()


def _warnings(summaries: Mapping[str, DatasetSummary]) -> tuple[PartWarning, ...]:
    return tuple(
        PartWarning.model_validate({**dict(warning), "part": part})
        for part, summary in summaries.items()
        for warning in summary.warnings
    )


def _write_spec(
    service: Service, told: Understood, job_id: str, folder: JobFolder
) -> tuple[PartWarning, ...]:
    """The spec and the checked rows beside it: all that the worker reads about the job, brought to disk."""
    request = told.request
    summaries = prepare_rows(service, request, folder)
    if isinstance(request, FineTuningRequest | EvaluationRequest) and request.adapter is not None:
        _hold_adapter(service, request.adapter, request.after, folder)
    spec = {
        "id": job_id,
        "kind": request.kind,
        "request": request.model_dump(mode="json"),
        "datasets": {name: summary.model_dump(mode="json") for name, summary in summaries.items()},
        **({"settings": told.read.model_dump(mode="json")} if told.read else {}),
    }
    text = json.dumps(spec, ensure_ascii=False)
    write_durably(folder.spec, text.encode(), along=(folder.rows, folder.path.parent))
    return _warnings(summaries)


def _hold_adapter(service: Service, name: str, after: Sequence[str], folder: JobFolder) -> None:
    """The job keeps what it is to use, whatever becomes of the model meanwhile.

    One that runs after the training finds the model when it starts; until then the store keeps it from being
    deleted.
    """
    model = fine_tuned_model(name)
    adapter = adapter_folder(service.job_folder(model.job_id), model.step) if model else None
    with suppress(FileNotFoundError):  # it was deleted just now
        if adapter:
            hold(adapter, folder)
    if held_adapter(folder) is None and not (model and model.step is None and model.job_id in after):
        raise ModelUnknown(say("model-was-deleted", model=name), param="adapter")
