"""The oracle finds what it is there to find, and a plan is the same for the same seed."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from shared.schemas.records import JobEvent
from tests.chaos.evidence import Attempt, Evidence, Job, Step
from tests.chaos.faults import FAULTS
from tests.chaos.history import History
from tests.chaos.oracle import RULES, judge
from tests.chaos.plan import Plan, draw

STEPS = 30  # of the spec `short`
JOB_ID = "ftjob-a"


def event(number: int, message: str = "", attempt: int = 1, **data: Any) -> JobEvent:
    kind = "metrics" if data else "message"
    return JobEvent(
        id=f"{attempt}-{number}", created_at=number, level="info", type=kind, message=message, data=data
    )


def good_job() -> Job:
    steps = [event(2 + step, step=step, train_loss=1.0) for step in range(1, STEPS + 1)]
    events = [event(1, "Accepted."), event(2, "The job started."), *steps, event(STEPS + 3, "Succeeded.")]
    record = {"status": "succeeded", "attempt": 1, "result": {"steps": STEPS}, "error": None}
    record |= {"started_at": 0.0, "finished_at": 99.0}
    attempt = Attempt(JOB_ID, 1, 2.0, 40.0, tuple(Step(n, 2 + n, n == 11) for n in range(1, 31)), frozenset())
    return Job(JOB_ID, "short", record, tuple(events), len(events), (attempt,), "abc", has_folder=True)


def evidence(*jobs: Job, **more: Any) -> Evidence:
    kept = [job for job in jobs if job.record]
    ended = tuple((job.job_id, job.record["status"]) for job in kept if job.record)
    counters: dict[str, float] = {}
    for _, status in ended:
        name = f"ended:fine_tuning:{status}"
        counters[name] = counters.get(name, 0) + 1
    found = Evidence(jobs, ended, counters, frozenset(job.job_id for job in kept), {"short": "abc"})
    return replace(found, **more)


def changed(**record: Any) -> Job:
    return replace(good_job(), record=(good_job().record or {}) | record)


SECOND = Attempt(JOB_ID, 2, 41.0, 50.0, (Step(9, 42.0, False),), frozenset())
FAILED = {"status": "failed", "error": {"code": "internal_error"}}
BROKEN: dict[str, Evidence] = {
    "every_accepted_job_ends_once": evidence(changed(status="running")),
    "no_job_was_made_that_nobody_was_told_of": evidence(good_job(), stored_ids=frozenset({JOB_ID, "x"})),
    "counters_agree": evidence(good_job(), counters={"ended:fine_tuning:succeeded": 2}),
    "events_rise_without_gap": evidence(replace(good_job(), events=good_job().events[:5])),
    "each_attempt_begins_once": evidence(changed(attempt=2)),
    "one_attempt_at_a_time": evidence(
        replace(good_job(), attempts=(*good_job().attempts, replace(SECOND, began=39.0)))
    ),
    "no_step_is_missing": evidence(replace(good_job(), events=good_job().events[:9], event_count=9)),
    "adapter_equals_the_quiet_runs": evidence(replace(good_job(), adapter_sha256="abd")),
    "no_saved_step_is_done_again": evidence(replace(good_job(), attempts=(*good_job().attempts, SECOND))),
    "a_job_ends_as_it_should": evidence(replace(changed(**FAILED), adapter_sha256=None)),
    "nothing_is_left_lying": evidence(good_job(), leftovers=("files/.incoming-1",)),
}


@pytest.fixture
def history(tmp_path: Path) -> Iterator[History]:
    history = History(tmp_path / "history.jsonl")
    yield history
    history.close()


def test_a_run_in_which_all_went_well_breaks_no_rule(history: History) -> None:
    assert judge(evidence(good_job()), history) == []


@pytest.mark.parametrize("rule", BROKEN)
def test_each_rule_finds_what_breaks_it(rule: str, history: History) -> None:
    assert rule in {violation.rule for violation in judge(BROKEN[rule], history)}


def test_rules_about_what_happened_find_it_in_the_history(history: History) -> None:
    history.note("answer", method="GET", path="/v1/models", status=500, seconds=0.1, text="")
    history.note("held", began=1.0)  # the job started at 2
    history.note("supervisor-started")
    history.note("driver-failed", who="sample", error="KeyError: 'store'")
    found = {violation.rule for violation in judge(evidence(good_job()), history)}
    seen = {
        "no_answer_is_a_bug",
        "nothing_starts_while_all_is_paused",
        "the_supervisor_lives",
        "the_run_itself_went_well",
    }
    assert found == seen
    assert seen | BROKEN.keys() == {rule.__name__.removeprefix("_") for rule in RULES}


def test_a_deleted_job_is_no_lost_one_and_leaves_no_folder(history: History) -> None:
    gone = Job(JOB_ID, "short", None)
    known = {"deleted": frozenset({JOB_ID}), "seen_to_end": {JOB_ID: "deleted"}}
    assert judge(evidence(gone, **known), history) == []
    assert judge(evidence(gone), history) != []
    assert judge(evidence(replace(gone, has_folder=True), **known), history) != []


def test_a_job_is_poison_only_where_workers_were_ended_under_it(history: History) -> None:
    poisoned = replace(changed(status="failed", error={"code": "poison"}), adapter_sha256=None)
    assert judge(evidence(poisoned), history) != []
    for began in (3.0, 5.0, 7.0):
        history.note("healed", fault="kill_child", moment="now", began=began)
    assert judge(evidence(poisoned), history) == []


def test_a_seed_decides_the_plan_and_a_written_one_is_read_back(tmp_path: Path) -> None:
    plan = draw(7, 5, jobs=20, gap_seconds=2)
    assert plan == draw(7, 5, jobs=20, gap_seconds=2)
    assert plan != draw(8, 5, jobs=20, gap_seconds=2)
    assert len(plan.jobs) == 20
    assert {fault.fault for fault in plan.faults} <= FAULTS.keys()
    plan.write(tmp_path / "plan.jsonl")
    assert Plan.read(tmp_path / "plan.jsonl") == plan
