"""The second step of a new training: its settings as a form, beside what is in its rows."""

import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import get_args

from flask import Response

from services.api.desk.disk_models import DiskModel, models_on_disk
from services.api.desk.first_lines import first_lines
from services.api.desk.rows_report import RowsReport, rows_report
from services.api.desk.rows_to_read import Field, name_of, rows_to_read, source_of_key
from services.api.desk.settings_form import (
    FIELDS,
    MAIN,
    MORE,
    OTHER_MODEL,
    READING,
    ROWS,
    VALIDATION,
    reading_of,
)
from services.api.desk.shell import desk_page
from services.api.service import Service
from shared.errors import InvalidField, Refusal, StoreUnavailable
from shared.schemas.fields import RowFormat
from shared.settings import DEMO_MODEL, Settings

MOST_MODELS = 12  # to choose from; others are typed


def settings_page(
    service: Service, values: Mapping[str, str], wrong: Refusal | None = None, *, whole: bool = False
) -> Response:
    """The form with `values` in it, and what is `wrong` with them. `whole`: a large file is read, too.

    Raises `NotFound` for rows that are gone.
    """
    source = source_of_key(values[ROWS])
    assert source is not None
    report, unreadable = _report(service, source, values, whole=whole)
    wrong = wrong or unreadable
    models = models_on_disk(service)
    known = {field.name for field in FIELDS}
    errors = {error.path: error.message for error in wrong.errors} if wrong else {}
    if wrong and wrong.param in known:
        errors.setdefault(str(wrong.param), wrong.message)
    return desk_page(
        "desk_new_settings.html",
        status=wrong.status if wrong else 200,
        rows_name=name_of(service, *source),
        lines=first_lines(service, *source),
        rows_report=report,
        sources=[one for one in rows_to_read(service) if one.key != values[ROWS]],
        main=MAIN,
        more=MORE,
        reading=READING,
        fields_seen=report.report.training.fields if report and report.report else (),
        reading_is_open=_is_read_as_told(values) or _is_to_be_told(report),
        row_formats=get_args(RowFormat),
        values=values,
        validation=VALIDATION,
        wrong=wrong,
        errors=errors,
        other_errors=[(path, text) for path, text in errors.items() if path not in known][:20],
        more_is_open=any(field.name in errors for field in MORE),
        models=models[:MOST_MODELS],
        more_models=[model.name for model in models[MOST_MODELS:]],
        typed_model=_typed_model(values, models),
        other_model=OTHER_MODEL,
        once=secrets.token_urlsafe(12),
    )


def first_model(service: Service) -> str:
    """What the form begins with: what last succeeded, else the service's default. As long as nobody chose
    that one, and it would have to be downloaded, the model that comes along.
    """
    with suppress(StoreUnavailable):
        last = service.store.list_jobs(kind="fine_tuning", status="succeeded", limit=1).records
        if last and not last[0].request.get("adapter"):
            return str(last[0].request["model"])
    default = service.settings.default_model
    is_chosen = default != Settings.model_fields["default_model"].default
    is_here = any(model.name == default and model.is_here for model in models_on_disk(service))
    return default if is_chosen or is_here else DEMO_MODEL


def _report(
    service: Service, source: tuple[Field, str], values: Mapping[str, str], *, whole: bool
) -> tuple[RowsReport | None, Refusal | None]:
    """What is in the rows, or why they can't be read as the form says."""
    try:
        return rows_report(service, *source, reading_of(values), whole=whole), None
    except InvalidField as refusal:
        return None, refusal


def _is_read_as_told(values: Mapping[str, str]) -> bool:
    """Whether somebody said how the rows are read."""
    return any(values.get(field.name, field.default) != field.default for field in READING)


def _is_to_be_told(report: RowsReport | None) -> bool:
    """Whether the rows are in no format, and nothing suggests how to read them."""
    if report is None or report.report is None:
        return False
    return not report.report.usable and report.report.training.format is None and not report.readings


def _typed_model(values: Mapping[str, str], models: Sequence[DiskModel]) -> str | None:
    """The name that stands in the field for another model; None where one of the list is chosen."""
    model = values.get("model", "")
    if model == OTHER_MODEL:
        return values.get("other_model", "")
    return None if model in {one.name for one in models[:MOST_MODELS]} else model
