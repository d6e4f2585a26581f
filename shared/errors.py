"""Refusals: what the API answers when it does not accept a request (RFC 9457 problem details)."""

from dataclasses import dataclass

from shared.messages.message import Message, say
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
    """Raised inside a model's own check: the rule that is broken, and the field to change.

    No `field`: the one that is checked.
    """

    def __init__(self, said: str | Message, field: str | None = None) -> None:
        super().__init__(said)
        self.said = said
        self.field = field

    def __str__(self) -> str:
        return shown(self.said)


class Refusal(Exception):
    """Base of all refusals. ``status`` is the HTTP status, ``code`` a stable word for programs."""

    status = 500
    code = "internal_error"
    meaning = say("refused-by-fault")
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
    meaning = say("refused-malformed-request")


class Unauthorized(Refusal):
    status, code = 401, "invalid_api_key"
    meaning = say("refused-unauthorized")
    headers = {"WWW-Authenticate": 'Bearer realm="tunedock"'}


class CrossSite(Refusal):
    status, code = 403, "cross_site_request"
    meaning = say("refused-cross-site")


class NotFound(Refusal):
    status, code = 404, "not_found"
    meaning = say("refused-not-found")


class NotOffered(NotFound):
    code = "not_offered"
    meaning = say("refused-not-offered")


class MethodNotAllowed(Refusal):
    status, code = 405, "method_not_allowed"
    meaning = say("refused-method-not-allowed")


class InvalidTransition(Refusal):
    status, code = 409, "invalid_transition"
    meaning = say("refused-invalid-transition")
    headers = {"x-should-retry": "false"}


class NotFinished(InvalidTransition):
    code = "job_not_finished"
    meaning = say("refused-not-finished")


class InUse(InvalidTransition):
    code = "in_use"
    meaning = say("refused-in-use")


class AdapterDamaged(InvalidTransition):
    code = "adapter_damaged"
    meaning = say("refused-adapter-damaged")


class TooLarge(Refusal):
    status, code = 413, "too_large"
    meaning = say("refused-too-large")


class InvalidField(Refusal):
    status, code = 422, "invalid_field"
    meaning = say("refused-invalid-field")


class ModelUnknown(InvalidField):
    code = "model_not_found"
    meaning = say("refused-model-unknown")


class ModelUnusable(InvalidField):
    code = "model_unusable"
    meaning = say("refused-model-unusable")


class DatasetUnknown(InvalidField):
    code = "dataset_not_found"
    meaning = say("refused-dataset-unknown")


class InvalidDataset(InvalidField):
    code = "invalid_training_file"
    meaning = say("refused-invalid-dataset")


class IdempotencyMismatch(InvalidField):
    code = "idempotency_key_reused"
    meaning = say("refused-idempotency-mismatch")


class TooManyJobs(Refusal):
    status, code = 429, "too_many_jobs"
    meaning = say("refused-too-many-jobs")
    headers = {"Retry-After": "60"}


class TooManyStreams(Refusal):
    status, code = 503, "too_many_streams"
    meaning = say("refused-too-many-streams")
    headers = {"Retry-After": "5"}


class StoreUnavailable(Refusal):
    status, code = 503, "store_unavailable"
    meaning = say("refused-store-unavailable")
    headers = {"Retry-After": "5"}


class StoreTakesNoWrites(StoreUnavailable):
    """It answered that it is full or closed to writes: what was asked for is not done, for certain."""


class NotReady(Refusal):
    status, code = 503, "not_ready"
    meaning = say("refused-not-ready")
    headers = {"Retry-After": "5"}


class DiskUnreadable(Refusal):
    status, code = 503, "disk_unreadable"
    meaning = say("refused-disk-unreadable")
    headers = {"Retry-After": "30"}


class DiskFull(Refusal):
    status, code = 507, "disk_full"
    meaning = say("refused-disk-full")


def refusals() -> list[type[Refusal]]:
    """Every class of refusal, parents first; what the table of docs/errors.md is tested against."""
    found: list[type[Refusal]] = [Refusal]
    for cls in found:
        found.extend(cls.__subclasses__())
    return found
