"""Which kinds of jobs have a report that is drawn as a page, and how it gets there from its file."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from flask import Response
from pydantic import ValidationError

from services.api.data_page.page import data_page
from services.api.load_page.figures import key_figures as load_figures
from services.api.load_page.page import load_page
from services.api.load_page.remedies import ranked_remedies
from services.api.load_page.verdict import verdict as load_verdict
from services.api.page_kit.figure import Figure
from services.api.page_kit.places import Places
from services.api.page_kit.verdict import Verdict
from services.api.service import Service
from services.api.training_page.figures import key_figures as training_figures
from services.api.training_page.page import training_page
from services.api.training_page.verdict import verdict as training_verdict
from shared.errors import NotFound
from shared.messages.message import say
from shared.reports.data_tokens import TokenReport
from shared.reports.load import LoadReport
from shared.reports.stored import Stored, read_stored
from shared.reports.training import TrainingReport
from shared.reports.training_facts import Prediction
from shared.schemas.fields import JobKind
from shared.schemas.records import JobRecord
from shared.visible import all_visible

OTHER_JOBS = 100  # whose predictions stand beside a job's own

Report = TypeVar("Report", bound=Stored)
Draw = Callable[[Service, JobRecord, dict[str, Any]], Response]
"""Of a report as it stands in report.json; raises `NotFound` where there is nothing to draw."""


def _load(service: Service, record: JobRecord, values: dict[str, Any]) -> Response:
    return load_page(record.id, _opened(LoadReport, service, record, values))


def _training(service: Service, record: JobRecord, values: dict[str, Any]) -> Response:
    if values.get("dry_run"):
        raise NotFound(say("dry-run-not-drawn", job=record.id))
    report = _opened(TrainingReport, service, record, values)
    return training_page(record.id, report, predictions_of_others(service, record))


def _data(service: Service, record: JobRecord, values: dict[str, Any]) -> Response:
    """The rows are shown as they were read: their learned stretches are counted in characters."""
    report = _opened(TokenReport, service, record, values)
    rows = read_stored(TokenReport, values).training.examples
    return data_page(record.id, _rows_of(service, record), report, rows, record.finished_at)


def _rows_of(service: Service, record: JobRecord) -> str:
    """What people know the rows by."""
    name = str(record.request.get("training_file") or record.request.get("dataset") or "")
    try:
        return service.files.get(name).filename if record.request.get("training_file") else name
    except NotFound:  # deleted since
        return name


PAGES: Mapping[JobKind, Draw] = {
    "load_diagnostic": _load,
    "model_preparation": _load,
    "training_diagnostic": _training,
    "fine_tuning": _training,
    "dataset_report": _data,
}


@dataclass(frozen=True)
class Head:
    """What the page of a report says first."""

    verdict: Verdict
    figures: tuple[Figure, ...]


def head_of(service: Service, record: JobRecord, values: dict[str, Any]) -> Head | None:
    """Of a diagnosis or a preparation; None of others, and of a report that can't be drawn."""
    try:
        if PAGES.get(record.kind) is _load:
            load = _opened(LoadReport, service, record, values)
            remedies = ranked_remedies(load)
            return Head(load_verdict(load, remedies), load_figures(load, remedies))
        if record.kind == "training_diagnostic":
            training = _opened(TrainingReport, service, record, values)
            return Head(training_verdict(training), training_figures(training))
    except NotFound:
        pass
    return None


def _opened(part: type[Report], service: Service, record: JobRecord, values: dict[str, Any]) -> Report:
    """Without whole paths and hosts: a page gets passed on."""
    values = Places.of(service.settings, values).shown(values)
    try:
        return read_stored(part, all_visible(values))
    except ValidationError as error:
        fields = sorted({".".join(map(str, problem["loc"])) for problem in error.errors()})[:3]
        raise NotFound(say("report-not-drawn", job=record.id, fields=fields)) from None


def predictions_of_others(service: Service, record: JobRecord) -> Sequence[Prediction]:
    """Of the newest fine-tunings that succeeded, `record` left out; what can't be read is passed over."""
    others = service.store.list_jobs(kind="fine_tuning", status="succeeded", limit=OTHER_JOBS)
    found = list[Prediction]()
    for other in others.records:
        stored = (other.result or {}).get("predictions")
        if other.id == record.id or not isinstance(stored, list):
            continue
        try:
            found += [read_stored(Prediction, one) for one in stored]
        except ValidationError:
            continue
    return found
