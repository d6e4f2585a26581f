"""The shares of a job that its report accounts for, and that reporting takes: the arithmetic."""

import pytest

from bench.reporting_cost import Line, named_seconds, reporting_seconds, shares
from shared.reports.training_facts import DeviceFacts, StepSplit, TokenCounts, TrainingFacts
from shared.schemas.records import JobRecord

FACTS = TrainingFacts(
    model="m",
    total_steps=10,
    rows_per_step=2,
    stages={"model_load": 5.0, "tokenizing": 1.0, "collating": 0.5, "training": 24.0},
    steps_seconds=20.0,
    step=StepSplit(
        step_seconds=2.0,
        phase_seconds={"forward": 1.0, "backward": 0.7, "logging": 0.1, "rest": 0.2},
        steps=9,
        how="timers",
    ),
    between_seconds={"saving": 3.0, "reporting": 0.2, "other": 0.4},
    tokens=TokenCounts(
        rows=1, real_tokens=1, computed_tokens=1, target_tokens=1, mean=1.0, p50=1, p95=1, longest=1
    ),
    device=DeviceFacts(name="d", kind="cpu"),
)


def test_what_no_timer_saw_is_not_counted_as_seen() -> None:
    assert named_seconds(FACTS) == pytest.approx(20.0 * 0.9 + 3.0 + 0.2)


def test_reporting_is_what_is_told_after_a_step_and_within_it() -> None:
    assert reporting_seconds(FACTS) == pytest.approx(0.2 + 20.0 * 0.05)


def test_a_job_is_measured_by_its_record_and_collating_does_not_count_twice() -> None:
    record = JobRecord(
        id="j", kind="fine_tuning", status="succeeded", request={}, created_at=0.0, queued_at=0.0,
        started_at=100.0, finished_at=140.0,
    )  # fmt: skip
    stages, phases, reporting = shares(record, FACTS)
    assert (stages.seconds, stages.of_seconds, stages.kept) == (30.0, 40.0, False)
    assert (phases.of_seconds, phases.kept) == (24.0, False)
    assert (reporting.of_seconds, reporting.kept) == (40.0, False)


def test_a_bar_is_a_least_or_a_most() -> None:
    assert Line("x", 97.0, 100.0, 0.97).kept
    assert not Line("x", 96.9, 100.0, 0.97).kept
    assert Line("x", 1.0, 100.0, 0.01, most=True).kept
    assert not Line("x", 1.1, 100.0, 0.01, most=True).kept
    assert Line("x", 1.1, 100.0, 0.01, most=True).text() == (
        "x: 1.10 of 100.00 s, 1.10% (at most 1%): MISSED"
    )
