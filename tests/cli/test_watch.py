"""What is said of a job while it is watched."""

import ast
import re
from typing import Any

import pytest

from services.cli.outcome.place import Place
from services.cli.record_text import job_row, record_text
from services.cli.sparkline import sparkline
from services.cli.watch import (
    _losses,
    done_of_total,
    duration_text,
    progress_line,
    progress_text,
    stage_text,
)
from shared.messages.catalog import add_language
from shared.messages.render import reader_of
from shared.schemas.records import JobEvent, JobRecord
from shared.settings import PROJECT_ROOT
from tests.shared.messages.made_up import LANGUAGE, left_over, made_up_language

HERE = Place(data_dir=None)


def record(status: str = "running", **fields: Any) -> JobRecord:
    base = {"id": "ftjob-1", "kind": "fine_tuning", "status": status, "request": {"model": "m", "plan": None}}
    return JobRecord.model_validate(base | {"created_at": 1e9, "queued_at": 1e9, **fields})


def test_a_training_job_tells_step_loss_speed_and_time_left() -> None:
    progress = {
        "stage": "training", "step": 7, "total_steps": 24, "loss": 0.5, "step_seconds": 3.21,
        "tokens_per_second": 99.6, "eta_seconds": 200.0,
    }  # fmt: skip
    running = record(progress=progress)
    text = progress_text(running)
    assert text == "step 7/24, loss 0.5000, 3.21 s/it, 100 tokens/s, 3 min 20 s left"
    assert stage_text(running) == "training"
    assert done_of_total(running.progress) == (7, 24)


TRAINING: dict[str, Any] = {
    "stage": "training", "step": 12, "total_steps": 24, "loss": 0.5, "step_seconds": 3.21,
    "tokens_per_second": 99.6, "eta_seconds": 38.5,
}  # fmt: skip
LOSSES = [2.5, 2.0, 1.5, 1.0, 0.75, 0.5]
BAR = "━" * 12 + "╌" * 12


@pytest.mark.parametrize(
    ("cells", "line"),
    [
        (118, f"training  {BAR}  step 12/24  loss 0.5000  █▆▅▃▂▁  3.21 s/it  100 tokens/s  38 s left"),
        (95, f"training  {BAR}  step 12/24  loss 0.5000  █▆▅▃▂▁  3.21 s/it  38 s left"),
        (78, f"training  {BAR[6:18]}  step 12/24  loss 0.5000  █▆▅▃▂▁  3.21 s/it  38 s left"),
        (66, "training  step 12/24  loss 0.5000  █▆▅▃▂▁  3.21 s/it  38 s left"),
        (58, "training  step 12/24  loss 0.5000  3.21 s/it  38 s left"),
        (40, "training  step 12/24  38 s left"),
        (5, "trai…"),
    ],
)  # fmt: skip
def test_a_progress_line_is_as_long_as_the_terminal_is_wide(cells: int, line: str) -> None:
    told = progress_line(record(progress=TRAINING), LOSSES, cells=cells)
    assert told == line
    assert len(told) <= cells


def test_the_curve_gives_way_little_by_little() -> None:
    many = [float(number) for number in range(40)]
    curves = {
        cells: next(
            (
                word
                for word in progress_line(record(progress=TRAINING), many, cells=cells).split()
                if "▁" in word
            ),
            "",
        )
        for cells in (110, 78, 70, 62, 54)
    }
    assert [len(curve) for curve in curves.values()] == [24, 16, 8, 0, 0]


def test_a_terminal_without_utf_8_gets_a_line_of_ascii() -> None:
    told = progress_line(record(progress=TRAINING), LOSSES, cells=118, is_plain=True)
    assert "############------------" in told
    assert told.isascii()


@pytest.mark.parametrize(
    ("values", "cells", "bars"),
    [
        ([1.0, 2.0], 8, "▁█"),
        ([3.0, 3.0, 3.0], 8, "▁▁▁"),
        ([1.0, float("nan"), 8.0], 8, "▁█"),
        ([float(number // 100) for number in range(800)], 8, "▁▂▃▄▅▆▇█"),
        ([1.0], 8, ""),
    ],
)
def test_a_curve_has_a_bar_for_each_value_or_for_each_stretch(
    values: list[float], cells: int, bars: str
) -> None:
    assert sparkline(values, cells) == bars


def event(number: int, **data: Any) -> JobEvent:
    told = {"created_at": 1.0, "level": "info", "type": "metrics", "message": "", "data": data}
    return JobEvent.model_validate({"id": f"1-{number}", **told})


def test_the_curve_is_of_the_steps_losses_each_once() -> None:
    events = [
        event(1, step=1, train_loss=3.0),
        event(2, step=2, train_loss=2.0),
        event(3, step=2, validation_loss=9.0),
        event(4, step=2, train_loss=2.5),
        event(5, step=3, train_loss=None),
    ]
    assert _losses(events) == {1: 3.0, 2: 2.5}


@pytest.mark.parametrize(
    ("progress", "text", "done"),
    [
        ({"stage": "tokenizing", "rows": 300}, "300 rows", (300, None)),
        ({"stage": "evaluating", "rows": 30, "total_rows": 140}, "30/140 rows", (30, 140)),
        ({"stage": "downloading", "done_bytes": 5e6, "total_bytes": 1e7}, "5/10 MB", (5e6, 1e7)),
        ({"stage": "downloading", "done_bytes": 5e6, "total_bytes": 0}, "5 MB", (5e6, None)),
        ({"stage": "publishing"}, "", (0, None)),
    ],
)
def test_what_is_counted_is_told(progress: dict[str, Any], text: str, done: tuple[float, float]) -> None:
    assert progress_text(record(progress=progress)) == text
    assert done_of_total(record(progress=progress).progress) == done


def test_a_waiting_job_tells_its_place_and_that_it_was_begun_before() -> None:
    assert stage_text(record("queued", queue_position=3)) == "queued, place 3"
    queued = record("queued", queue_position=1, attempt=5, pauses=3)
    assert stage_text(queued) == "queued, place 1 (paused 3 times, interrupted 2 times)"


def test_pauses_are_told_apart_from_lost_workers() -> None:
    paused = record("running", attempt=4, pauses=3)
    assert "attempt  4 (paused 3 times)" in record_text(paused, HERE)
    lost = record("running", attempt=2)
    assert "attempt  2 (interrupted once)" in record_text(lost, HERE)
    assert "attempt" not in record_text(record("running", attempt=1), HERE)


def test_a_paused_job_tells_how_far_it_came_and_no_time_left() -> None:
    progress = {"stage": "training", "step": 7, "total_steps": 24, "loss": 0.5, "step_seconds": 3.2}
    paused = record("paused", attempt=1, pauses=1, progress=progress)
    assert progress_text(paused) == "step 7/24, loss 0.5000"


def test_a_job_that_waits_for_others_names_them() -> None:
    waiting = record("queued", waits_for=["ftjob-a", "evaljob-b"])
    assert stage_text(waiting) == "queued, after ftjob-a and evaljob-b"


def test_an_ended_job_tells_its_end_and_no_progress() -> None:
    ended = record("succeeded", progress={"stage": "training", "step": 24, "total_steps": 24})
    assert (stage_text(ended), progress_text(ended)) == ("succeeded", "")


def test_a_failed_job_shows_what_to_do() -> None:
    error = {"code": "disk_full", "message": "No space.", "remedy": "Free some."}
    failed = record("failed", error=error, started_at=1e9, finished_at=1e9 + 5)
    assert "No space." in record_text(failed, HERE)
    assert "Free some." in record_text(failed, HERE)
    assert job_row(failed)[2:] == ("failed", job_row(failed)[3], "m", "No space.")


def test_the_list_shows_what_an_ended_job_came_to() -> None:
    ended = {"started_at": 1e9, "finished_at": 1e9 + 5}
    for result, text in (
        ({"train_loss": 0.25}, "5 s, loss 0.2500"),
        ({"loss": 2.0, "accuracy": 0.5}, "5 s, accuracy 50.0%"),
        ({"train_loss": None}, "5 s"),
    ):
        assert job_row(record("succeeded", result=result, **ended))[-1] == text


def test_a_report_s_own_text_is_shown_instead_of_its_data() -> None:
    shown = record_text(record("succeeded", kind="load_diagnostic", result={"text": "Two findings."}), HERE)
    assert "\n\nTwo findings.\n" in shown


def test_a_diagnosis_of_a_training_shows_its_text_and_how_to_have_it_with_pictures() -> None:
    told = record_text(
        record("succeeded", kind="training_diagnostic", result={"text": "87 of 100 tokens are empty."}), HERE
    )
    _, _, end = told.partition("87 of 100 tokens are empty.")
    assert end.splitlines()[1:] == [
        "",
        "Next:",
        "  To write this report with pictures, in one file to open or pass on:",
        "    ./tunedock report ftjob-1 --html report.html",
    ]


def test_empty_fields_of_a_request_are_left_out() -> None:
    assert "plan" not in record_text(record(), HERE)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0 s"), (59.4, "59 s"), (60, "1 min 0 s"), (3599.6, "1 h 0 min"), (7500, "2 h 5 min")],
)
def test_durations_are_said_in_two_units(seconds: float, text: str) -> None:
    assert duration_text(seconds) == text


def test_what_nobody_asked_for_is_left_out_of_what_was_asked() -> None:
    asked = {"kind": "fine_tuning", "model": "m", "dry_run": False, "priority": 0, "after": []}
    assert record_text(record(request=asked), HERE).endswith("Asked:\n  model  m")
    said = record_text(record(request={**asked, "dry_run": True, "priority": -1}), HERE)
    assert re.search(r"dry_run +true\n", said) and re.search(r"priority +-1$", said)  # noqa: PT018
    loading = {"kind": "load_diagnostic", "model": "m", "trial_load": False, "cold": False}
    assert record_text(record(request=loading), HERE).endswith("model       m\n  trial_load  false")


def test_epochs_are_left_out_where_steps_decide_and_words_are_the_command_s() -> None:
    hyperparameters = {"n_epochs": 3, "max_steps": 2}
    asked: dict[str, Any] = {
        "request": {"kind": "fine_tuning", "model": "m", "hyperparameters": hyperparameters}
    }
    shown = record_text(record(**asked), HERE, words=lambda text: text.replace("max_steps", "--max-steps"))
    assert "max-steps  2" in shown
    assert "n_epochs" not in shown


STAGE_CALLS = {"": ("job.progress", "self._job.progress", "course.job.progress"), "tick.py": ("self._tell",)}


def stages() -> set[str]:
    """Every stage that a worker tells: what `progress(`, `ByteProgress(job,` and a tick's `_tell(` get."""
    told = set()
    for path in (PROJECT_ROOT / "services/worker").rglob("*.py"):
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(call, ast.Call) and ast.unparse(call.func) in STAGE_CALLS.get(
                path.name, STAGE_CALLS[""]
            ):
                told |= {str(one.value) for one in call.args[:1] if isinstance(one, ast.Constant)}
            if isinstance(call, ast.Call) and ast.unparse(call.func) == "ByteProgress":
                told |= {str(one.value) for one in call.args[1:2] if isinstance(one, ast.Constant)}
    return told


def test_every_stage_that_a_worker_tells_is_in_the_reader_s_language() -> None:
    add_language(LANGUAGE, made_up_language())
    try:
        assert len(stages()) > 20
        with reader_of(LANGUAGE):
            for stage in stages():
                said = stage_text(record(progress={"stage": stage}))
                assert left_over(said) == "", stage
            assert stage_text(record(progress={"stage": "a later one's"})) == "a later one's"
    finally:
        add_language(LANGUAGE, "")


def test_a_watched_job_s_numbers_and_place_are_in_the_reader_s_language() -> None:
    add_language(LANGUAGE, made_up_language())
    try:
        with reader_of(LANGUAGE):
            progress = {"stage": "training", "step": 7, "total_steps": 24, "loss": 0.5, "eta_seconds": 9.0}
            assert progress_text(record(progress=progress)) == "⟪step⟫ 7⟪/⟫24, ⟪loss⟫ 0.5000, 9 s ⟪left⟫"
            queued = stage_text(record("queued", queue_position=1, attempt=2))
            assert queued == "⟪queued, place⟫ 1 ⟪(⟫⟪interrupted⟫ 2 ⟪times⟫⟪)⟫"
    finally:
        add_language(LANGUAGE, "")
