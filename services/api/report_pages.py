"""Which kinds of jobs have a report that is drawn as a page, and what draws it."""

from collections.abc import Callable, Mapping
from typing import Any

from flask import Response

from services.api.load_page.page import load_page
from services.api.training_page.page import training_page
from shared.schemas import JobKind
from shared.settings import Settings

PAGES: Mapping[JobKind, Callable[[str, dict[str, Any], Settings], Response]] = {
    "load_diagnostic": load_page,
    "model_preparation": load_page,
    "training_diagnostic": training_page,
    "fine_tuning": training_page,
}
