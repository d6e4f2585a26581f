"""A user's own training settings in a request: read, checked, and filled in."""

from dataclasses import dataclass

from shared.errors import FieldError, InvalidField
from shared.messages.message import say
from shared.schemas.requests import JobRequest, TrainingDiagnosticRequest
from shared.training_settings.outcome import ReadSettings
from shared.training_settings.read import given_settings, read_settings

FIELD, FILE_FIELD, KIND_FIELD = "settings", "settings_file", "settings_kind"


@dataclass(frozen=True)
class Understood:
    """The request with all its settings given, and what reading them told; None for other kinds of jobs."""

    request: JobRequest
    read: ReadSettings | None = None


def understood(request: JobRequest) -> Understood:
    """Raises `InvalidField`; what is wrong in `settings` is told at its field there."""
    if not isinstance(request, TrainingDiagnosticRequest):
        return Understood(request)
    if request.settings_file is None:
        if request.settings_kind is not None:
            alone = say("settings-kind-without-file", kind=request.settings_kind)
            raise InvalidField(alone, param=KIND_FIELD, errors=(FieldError(KIND_FIELD, alone),))
        try:
            read = given_settings(request.settings)
        except InvalidField as refusal:
            raise _within(refusal) from None
    else:
        read = read_settings(
            request.settings_file,
            kind=request.settings_kind,
            given=request.settings,
            field=FILE_FIELD,
            given_field=FIELD,
            kind_field=KIND_FIELD,
        )
    return Understood(
        request.model_copy(update={FIELD: read.settings.model_dump(mode="json"), FILE_FIELD: None}), read
    )


def _within(refusal: InvalidField) -> InvalidField:
    """Its fields are those of `settings`."""
    errors = tuple(FieldError(f"{FIELD}.{error.path}", error.said) for error in refusal.errors)
    return InvalidField(
        refusal.said, param=f"{FIELD}.{refusal.param}" if refusal.param else FIELD, errors=errors
    )
