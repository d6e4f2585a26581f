"""The settings of a new training as a form: its fields, what stands in them, and the request that they make.

A field has the name of the request's field that it fills, with dots: `hyperparameters.lora.r`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import parse_qsl, urlencode

from services.api.desk.rows_to_read import source_of_key
from services.api.desk.submitting import checked
from shared.messages.message import Message, say
from shared.schemas.requests import DatasetReportRequest, FineTuningRequest

ROWS, VALIDATION = "rows", "validation"
LENGTH = "hyperparameters.max_seq_length"
OTHER_MODEL = "?"  # chosen where the model is none of those that are listed, but named in a field of its own


@dataclass(frozen=True)
class SettingField:
    """`kind` says how it is drawn. `hint`: one sentence below it."""

    name: str
    label: Message
    kind: Literal["model", "area", "word", "count", "number", "format", "address"]
    hint: Message | None = None
    default: str = ""


MAIN = (
    SettingField("model", say("model-field-label"), "model", say("model-field-hint")),
    SettingField("instruction", say("instruction-field-label"), "area", say("instruction-field-hint")),
    SettingField(
        "hyperparameters.n_epochs", say("epochs-field-label"), "count", say("epochs-field-hint"), "3",
    ),
)  # fmt: skip
MORE = (
    SettingField(
        "hyperparameters.max_steps", say("max-steps-field-label"), "count", say("max-steps-field-hint"),
    ),
    SettingField(
        LENGTH, say("max-length-field-label"), "count",
        say("max-length-field-hint"), "512",
    ),
    SettingField(
        "hyperparameters.learning_rate", say("learning-rate-field-label"), "number",
        say("learning-rate-field-hint"), "0.0002",
    ),
    SettingField(
        "hyperparameters.global_batch_size", say("batch-size-field-label"), "count",
        say("batch-size-field-hint"), "16",
    ),
    SettingField("hyperparameters.lora.r", say("rank-field-label"), "count", say("rank-field-hint"), "16"),
    SettingField(
        "hyperparameters.lora.alpha", say("alpha-field-label"), "number", say("alpha-field-hint"), "32",
    ),
    SettingField("suffix", say("suffix-field-label"), "word", say("suffix-field-hint")),
    SettingField("webhook", say("webhook-field-label"), "address", say("webhook-field-hint")),
)  # fmt: skip
READING = (
    SettingField("format", say("format-field-label"), "format", default="auto"),
    *(
        SettingField(f"columns.{field}", say("column-of-field-label", field=field), "word")
        for field in ("text", "label", "prompt", "completion", "messages")
    ),
)
"""How the rows are read, where that is not found by itself."""
FIELDS = (*MAIN, *MORE, *READING)


def first_values(default_model: str) -> dict[str, str]:
    return {field.name: field.default for field in FIELDS} | {"model": default_model}


def values_of(request: Mapping[str, Any]) -> dict[str, str]:
    """What an earlier job's request puts into the form; what it does not have is as at first."""
    values = {field.name: _text(_inner(request, field.name)) or field.default for field in FIELDS}
    if length := request.get("max_seq_length"):  # of a report on rows
        values[LENGTH] = _text(length)
    return {**values, VALIDATION: _key(request, "validation_file", "validation_dataset")}


def key_of_rows(request: Mapping[str, Any]) -> str:
    return _key(request, "training_file", "dataset")


def request_of(fields: Mapping[str, str], default_model: str) -> FineTuningRequest:
    """The dry run that the form asks for. Raises `InvalidField`."""
    values: dict[str, Any] = {"dry_run": True, "model": _model(fields, default_model), **_sources(fields)}
    return checked(FineTuningRequest, values | _given(fields, (*MAIN[1:], *MORE, *READING)))


def rows_request_of(fields: Mapping[str, str], default_model: str) -> DatasetReportRequest:
    """The report on the rows as the model of the form reads them. Raises `InvalidField`."""
    values: dict[str, Any] = {"model": _model(fields, default_model), **_sources(fields)}
    values |= reading_of(fields)
    for name, field in (("instruction", "instruction"), ("max_seq_length", LENGTH)):
        if text := fields.get(field):
            values[name] = text
    return checked(DatasetReportRequest, values)


def reading_of(fields: Mapping[str, str]) -> dict[str, Any]:
    """How the form says that the rows are read: `format` and `columns`, as a request has them."""
    return _given(fields, READING)


def written_reading(reading: Mapping[str, Any]) -> str:
    """`format` and `columns` of a request as one text, which a button of the form can carry."""
    columns = {f"columns.{field}": name for field, name in reading.get("columns", {}).items()}
    return urlencode({name: value for name, value in reading.items() if name == "format"} | columns)


def with_reading(fields: Mapping[str, str], written: str) -> dict[str, str]:
    """The form's `fields` with the rows read as such a text says, and not otherwise."""
    known = {field.name for field in READING}
    others = {name: text for name, text in fields.items() if name not in known}
    return others | {name: text for name, text in parse_qsl(written) if name in known}


def _model(fields: Mapping[str, str], default_model: str) -> str:
    """Empty where another than those listed is chosen and not named."""
    model = fields.get("model", default_model)
    return fields.get("other_model", "") if model == OTHER_MODEL else model


def _given(fields: Mapping[str, str], wanted: Iterable[SettingField]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for field in wanted:
        if text := fields.get(field.name):
            _put(values, field.name.split("."), text)
    return values


def _sources(fields: Mapping[str, str]) -> dict[str, str]:
    values = {}
    for part, names in ((ROWS, ("training_file", "dataset")), (VALIDATION, _VALIDATION_FIELDS)):
        if source := source_of_key(fields.get(part, "")):
            values[names[0] if source[0] == "training_file" else names[1]] = source[1]
    return values


_VALIDATION_FIELDS = ("validation_file", "validation_dataset")


def _put(values: dict[str, Any], path: list[str], text: str) -> None:
    for name in path[:-1]:
        values = values.setdefault(name, {})
    values[path[-1]] = text


def _inner(values: Any, path: str) -> Any:
    for name in path.split("."):
        values = values.get(name) if isinstance(values, Mapping) else None
    return values


def _text(value: Any) -> str:
    return "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def _key(request: Mapping[str, Any], file_field: str, dataset_field: str) -> str:
    if file := request.get(file_field):
        return f"training_file:{file}"
    return f"dataset:{dataset}" if (dataset := request.get(dataset_field)) else ""
