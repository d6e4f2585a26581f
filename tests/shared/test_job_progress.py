"""How far a job is: the page and the terminal read it alike."""

from typing import Any

import pytest

from services.api.desk.job_words import done_of, stage_words
from services.cli.watch import done_of_total, progress_text, stage_text
from shared.jobs import TRANSITIONS
from shared.schemas.records import JobRecord, Progress

COUNTED: dict[str, dict[str, Any]] = {
    "steps": {"step": 7, "total_steps": 28},
    "steps of nobody knows how many": {"step": 7},
    "rows": {"rows": 30, "total_rows": 120},
    "rows of nobody knows how many": {"rows": 300},
    "bytes": {"done_bytes": 5e6, "total_bytes": 2e7},
    "bytes of nobody knows how many": {"done_bytes": 5e6, "total_bytes": 0},
    "more than there was said to be": {"rows": 130, "total_rows": 120},
    "nothing": {},
}


def record(status: str, **progress: Any) -> JobRecord:
    base = {"id": "ftjob-1", "kind": "fine_tuning", "status": status, "request": {}, "progress": progress}
    return JobRecord.model_validate({"created_at": 1e9, "queued_at": 1e9, **base})


@pytest.mark.parametrize("fields", COUNTED.values(), ids=COUNTED)
def test_a_page_and_a_terminal_tell_the_same_share(fields: dict[str, Any]) -> None:
    progress = Progress(stage="training", **fields)
    done, total = done_of_total(progress)
    on_page = done_of(progress)
    assert (on_page is None) == (total is None)
    if on_page is not None and total is not None:
        assert on_page.share == min(1.0, done / total)


@pytest.mark.parametrize("status", [status for status in TRANSITIONS if status != "queued"])
def test_a_page_and_a_terminal_name_the_same_stage(status: str) -> None:
    """Of a queued job the terminal also tells its place, which a page shows beside it."""
    for stage in ("queued", "training", "saving adapter"):
        one = record(status, stage=stage)
        assert stage_words(one) == stage_text(one)


def test_a_job_that_begins_is_said_to_start_and_not_to_wait() -> None:
    assert stage_text(record("running", stage="queued")) == stage_text(record("running", stage="starting"))


def test_large_counts_are_grouped_on_a_page_and_not_in_a_narrow_line() -> None:
    progress = {"stage": "training", "step": 1200, "total_steps": 4800}
    on_page = done_of(Progress(**progress))
    assert on_page is not None
    assert on_page.words == "step 1,200/4,800"
    assert progress_text(record("running", **progress)) == "step 1200/4800"
