"""Refusals: what the API answers when it does not accept a request (RFC 9457 problem details)."""

from dataclasses import dataclass

from shared.messages.message import Message
from shared.messages.render import shown


@dataclass(frozen=True)
class FieldError:
    """One thing wrong with a request: where (``hyperparameters.lora.r``, ``line 37``) and what."""

    path: str
    said: str | Message

    @property
    def message(self) -> str:
        """What is wrong, in the reader's language."""
        return shown(self.said)


class WrongField(ValueError):
    """Raised inside a model's own check: the rule that is broken, and the field to change."""

    def __init__(self, said: str | Message, field: str) -> None:
        super().__init__(said)
        self.said = said
        self.field = field

    def __str__(self) -> str:
        return shown(self.said)


class Refusal(Exception):
    """Base of all refusals. ``status`` is the HTTP status, ``code`` a stable word for programs."""

    status = 500
    code = "internal_error"
    meaning = "a fault of ours; the log has the request id"
    headers: dict[str, str] = {}

    def __init__(
        self, said: str | Message, *, param: str | None = None, errors: tuple[FieldError, ...] = ()
    ) -> None:
        super().__init__(said)
        self.said = said
        self.param = param
        self.errors = errors

    @property
    def message(self) -> str:
        """What is wrong and what to do, in the reader's language; in a log, English."""
        return shown(self.said)

    def __str__(self) -> str:
        return self.message


class MalformedRequest(Refusal):
    status, code = 400, "malformed_request"
    meaning = "the request can't be read: its head, its framing, or a body that is not what its type says"


class Unauthorized(Refusal):
    status, code = 401, "invalid_api_key"
    meaning = "no key, or one this installation does not know"
    headers = {"WWW-Authenticate": 'Bearer realm="tunedock"'}


class NotFound(Refusal):
    status, code = 404, "not_found"
    meaning = "no such job, file, model or page"


class MethodNotAllowed(Refusal):
    status, code = 405, "method_not_allowed"
    meaning = "the page exists but not with this method"


class InvalidTransition(Refusal):
    status, code = 409, "invalid_transition"
    meaning = "the job's status does not allow it"
    headers = {"x-should-retry": "false"}


class NotFinished(InvalidTransition):
    code = "job_not_finished"
    meaning = "the job has no result yet, or ended without one"


class InUse(InvalidTransition):
    code = "in_use"
    meaning = "a job that has not ended needs what was to be deleted"


class TooLarge(Refusal):
    status, code = 413, "too_large"
    meaning = "the body is larger than allowed"


class InvalidField(Refusal):
    status, code = 422, "invalid_field"
    meaning = "a field is unknown, missing or out of range"


class ModelUnknown(InvalidField):
    code = "model_not_found"
    meaning = "neither a hub id, nor a model folder, nor a fine-tuned model of this installation"


class ModelUnusable(InvalidField):
    code = "model_unusable"
    meaning = "the model folder is there but can't be a base model: an adapter, GGUF, or files are missing"


class DatasetUnknown(InvalidField):
    code = "dataset_not_found"
    meaning = "no data set of that name in the datasets folder"


class InvalidDataset(InvalidField):
    code = "invalid_training_file"
    meaning = (
        "rows of the data set can't be used; `errors` has each reason once (at most 20), with line numbers"
    )


class IdempotencyMismatch(InvalidField):
    code = "idempotency_key_reused"
    meaning = "the Idempotency-Key was used with another body, or its job is deleted"


class TooManyJobs(Refusal):
    status, code = 429, "too_many_jobs"
    meaning = "the queue is full"
    headers = {"Retry-After": "60"}


class StoreUnavailable(Refusal):
    status, code = 503, "store_unavailable"
    meaning = "the job store does not answer or takes no writes; nothing was accepted"
    headers = {"Retry-After": "5"}


class StoreTakesNoWrites(StoreUnavailable):
    """It answered that it is full or closed to writes: what was asked for is not done, for certain."""


class NotReady(Refusal):
    status, code = 503, "not_ready"
    meaning = "a part that jobs need is missing; `errors` says which and what to do"
    headers = {"Retry-After": "5"}


class DiskFull(Refusal):
    status, code = 507, "disk_full"
    meaning = "not enough free space in the data folder"


def refusals() -> list[type[Refusal]]:
    """Every class of refusal, parents first; what the table of docs/errors.md is tested against."""
    found: list[type[Refusal]] = [Refusal]
    for cls in found:
        found.extend(cls.__subclasses__())
    return found
