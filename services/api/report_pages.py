"""Which kinds of jobs have a report that is drawn as a page, and what draws it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from flask import Response
from pydantic import ValidationError

from services.api.load_page.page import load_page
from services.api.service import Service
from services.api.training_page.page import training_page
from shared.reports.stored import read_stored
from shared.reports.training_facts import Prediction
from shared.schemas import JobKind, JobRecord

OTHER_JOBS = 100  # whose predictions stand beside a job's own

Draw = Callable[[Service, JobRecord, dict[str, Any]], Response]


def _load(service: Service, record: JobRecord, report: dict[str, Any]) -> Response:
    return load_page(record.id, report, service.settings)


def _training(service: Service, record: JobRecord, report: dict[str, Any]) -> Response:
    return training_page(record.id, report, service.settings, predictions_of_others(service, record))


PAGES: Mapping[JobKind, Draw] = {
    "load_diagnostic": _load,
    "model_preparation": _load,
    "training_diagnostic": _training,
    "fine_tuning": _training,
}


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
