"""Judges a run of chaos: what may never happen, whatever the faults were. Each rule yields what breaks it."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from tests.chaos.evidence import Attempt, Evidence, Job, counted
from tests.chaos.history import History, fault_times
from tests.chaos.specs import ENDED, SPECS

CLOCK_SECONDS = 0.05  # events are stamped by several processes of one machine
CRASH_LIMIT = 3
DEADLY = ("child", "worker", "supervisor", "spoil")  # parts of the names of faults that can end an attempt


@dataclass(frozen=True)
class Violation:
    """`rule` is the name of the function below that found it."""

    rule: str
    what: str
    job_id: str | None = None


Rule = Callable[[Evidence, History], Iterator[tuple[str | None, str]]]
RULES: list[Rule] = []


def judge(evidence: Evidence, history: History) -> list[Violation]:
    return [
        Violation(rule.__name__.removeprefix("_"), what, job_id)
        for rule in RULES
        for job_id, what in rule(evidence, history)
    ]


def _rule(rule: Rule) -> Rule:
    RULES.append(rule)
    return rule


@_rule
def _every_accepted_job_ends_once(evidence: Evidence, history: History) -> Iterator[tuple[str | None, str]]:
    ends = Counter(job_id for job_id, _ in evidence.ended)
    statuses = dict(evidence.ended)
    for job in evidence.jobs:
        if job.record is None:
            if job.job_id not in evidence.deleted:
                yield job.job_id, "was accepted, and its record is gone"
            continue
        status = job.record["status"]
        if status not in ENDED:
            yield job.job_id, f"is {status} after the run"
        elif ends[job.job_id] != 1 or statuses[job.job_id] != status:
            yield job.job_id, f"is {status}, and {ends[job.job_id]} times in the list of ended jobs"


@_rule
def _no_job_was_made_that_nobody_was_told_of(
    evidence: Evidence, history: History
) -> Iterator[tuple[str | None, str]]:
    accepted = {job.job_id for job in evidence.jobs}
    for job_id in sorted(evidence.stored_ids - accepted):
        yield job_id, "is in the store, and no submit was answered with it"
    jobs_of: dict[str, set[str]] = {}
    for note in history.all("accepted"):
        jobs_of.setdefault(note["key"], set()).add(note["job"])
    for key, jobs in jobs_of.items():
        if len(jobs) > 1:
            yield None, f"the key {key} made {len(jobs)} jobs: {sorted(jobs)}"


@_rule
def _counters_agree(evidence: Evidence, history: History) -> Iterator[tuple[str | None, str]]:
    if any(status == "deleted" for status in evidence.seen_to_end.values()):
        return  # deleted before it was seen to end: how it ended is not known
    seen = counted(evidence)
    stored = {name: int(value) for name, value in evidence.counters.items() if name.startswith("ended:")}
    for name in sorted(seen.keys() | stored.keys()):
        if seen[name] != stored.get(name, 0):
            yield None, f"{name}: {seen[name]} ended, {stored.get(name, 0)} counted"


@_rule
def _events_rise_without_gap(evidence: Evidence, history: History) -> Iterator[tuple[str | None, str]]:
    for job in _kept(evidence):
        ids = [tuple(map(int, event.id.split("-"))) for event in job.events]
        counts = [count for _, count in ids]
        if counts != list(range(1, job.event_count + 1)):
            missing = sorted(set(range(1, job.event_count + 1)) - set(counts))
            yield job.job_id, f"{len(counts)} of {job.event_count} events; missing: {missing[:10]}"
        if any(later[0] < earlier[0] for earlier, later in pairwise(ids)):
            yield job.job_id, "an event of an earlier attempt follows one of a later attempt"


@_rule
def _each_attempt_begins_once(evidence: Evidence, history: History) -> Iterator[tuple[str | None, str]]:
    for job, record in _records(evidence):
        begun = [event for event in job.events if event.message.startswith("The job started")]
        if len(begun) != record["attempt"]:
            yield job.job_id, f"{len(begun)} starts, attempt {record['attempt']}"


@_rule
def _one_attempt_at_a_time(evidence: Evidence, history: History) -> Iterator[tuple[str | None, str]]:
    attempts = sorted((a for job in evidence.jobs for a in job.attempts), key=lambda a: a.began)
    for before, after in pairwise(attempts):
        if after.began < before.ended - CLOCK_SECONDS:
            yield (
                after.job_id,
                f"attempt {after.number} began {before.ended - after.began:.2f} s before attempt "
                f"{before.number} of {before.job_id} ended",
            )


@_rule
def _no_step_is_missing(evidence: Evidence, history: History) -> Iterator[tuple[str | None, str]]:
    for job, record in _succeeded_tunings(evidence):
        wanted = SPECS[job.spec].request["hyperparameters"]["max_steps"]
        told = {e.data["step"] for e in job.events if e.type == "metrics" and "train_loss" in e.data}
        if record["result"]["steps"] != wanted or told != set(range(1, wanted + 1)):
            yield job.job_id, f"{len(told)} of {wanted} steps are in its events"


@_rule
def _adapter_equals_the_quiet_runs(evidence: Evidence, history: History) -> Iterator[tuple[str | None, str]]:
    for job, _ in _succeeded_tunings(evidence):
        if job.adapter_sha256 != evidence.references[job.spec]:
            yield job.job_id, f"adapter {job.adapter_sha256}, without faults {evidence.references[job.spec]}"
    for job, record in _records(evidence):
        if record["status"] != "succeeded" and job.adapter_sha256:
            yield job.job_id, f"is {record['status']} and has an adapter"


@_rule
def _no_saved_step_is_done_again(evidence: Evidence, history: History) -> Iterator[tuple[str | None, str]]:
    """So a resume costs what was done since the last checkpoint, at most one interval."""
    spoiled = {note["job"] for note in history.all("spoiled")}
    for job in evidence.jobs:
        if job.job_id not in spoiled:
            for before, after in pairwise(attempt for attempt in job.attempts if attempt.steps):
                saved, first = last_saved(before), after.steps[0].step
                if saved is not None and first <= saved:
                    yield (
                        job.job_id,
                        f"attempt {after.number} began with step {first}, and step {saved} was saved in "
                        f"attempt {before.number}",
                    )


def last_saved(attempt: Attempt) -> int | None:
    """The step of its last checkpoint that a later step tells of."""
    saved = [step.step - 1 for step in attempt.steps if step.saved_before]
    return max((step for step in saved if step not in attempt.skipped_saves), default=None)


@_rule
def _no_answer_is_a_bug(evidence: Evidence, history: History) -> Iterator[tuple[str | None, str]]:
    for note in history.all("answer", "probe"):
        status = note["status"]
        if (
            status >= 500
            and status != 503
            and not (status == 507 and _during(history, note, "fill_data_disk"))
        ):
            yield None, f"{note.get('method', 'GET')} {note.get('path', '')}: {status} {note.get('text', '')}"
        if note["what"] == "answer" and note["path"] == "/v1/jobs" and 400 <= status < 500:
            yield None, f"a submit was refused: {status} {note['text']}"
    for note in history.all("gave-up"):
        yield None, f"{note['method']} {note['path']} was never answered"


@_rule
def _nothing_starts_while_all_is_paused(
    evidence: Evidence, history: History
) -> Iterator[tuple[str | None, str]]:
    for held in history.all("held"):
        for job in evidence.jobs:
            for event in job.events:
                if event.message.startswith("The job started") and (
                    held["began"] < event.created_at < held["at"]
                ):
                    yield job.job_id, f"started at {event.created_at} while the queue was paused"


@_rule
def _a_job_ends_as_it_should(evidence: Evidence, history: History) -> Iterator[tuple[str | None, str]]:
    """Cancelled only where somebody cancelled; failed only where workers died of it again and again."""
    cancelled = {
        note["path"].split("/")[-2] for note in history.all("answer") if note["path"].endswith("/cancel")
    }
    for job, record in _records(evidence):
        if record["status"] == "cancelled" and job.job_id not in cancelled:
            yield job.job_id, "is cancelled, and nobody asked for that"
        if record["status"] == "failed" and not _is_fair(job, record, history):
            yield job.job_id, f"failed: {record['error']}"


def _is_fair(job: Job, record: dict[str, Any], history: History) -> bool:
    if record["error"]["code"] != "poison":
        return False
    deaths = [
        name
        for began, _, name in fault_times(history)
        if any(part in name for part in DEADLY) and record["started_at"] <= began <= record["finished_at"]
    ]
    return len(deaths) >= CRASH_LIMIT


@_rule
def _nothing_is_left_lying(evidence: Evidence, history: History) -> Iterator[tuple[str | None, str]]:
    for path in evidence.leftovers:
        yield None, f"{path} is left"
    for pid in evidence.processes_left:
        yield None, f"the process {pid} is left"
    for job in evidence.jobs:
        if job.record is None and job.has_folder:
            yield job.job_id, "was deleted, and its folder is there"


@_rule
def _the_supervisor_lives(evidence: Evidence, history: History) -> Iterator[tuple[str | None, str]]:
    killed = sum(name == "kill_supervisor" for *_, name in fault_times(history))
    started = len(history.all("supervisor-started"))
    if started > killed:
        yield None, f"the supervisor was killed {killed} times and had to be started {started} times"


@_rule
def _the_run_itself_went_well(evidence: Evidence, history: History) -> Iterator[tuple[str | None, str]]:
    """A fault or a watcher that failed has not seen what it was there for."""
    for note in history.all("driver-failed"):
        yield None, f"{note['who']}: {note['error']}"


def _during(history: History, note: dict[str, Any], fault: str) -> bool:
    seconds = note.get("seconds", 0) + 2  # the API looks at the disk first, and reads the rows then
    return any(
        began <= note["at"] and note["at"] - seconds <= ended
        for began, ended, name in fault_times(history)
        if name == fault
    )


def _kept(evidence: Evidence) -> Iterator[Job]:
    return (job for job in evidence.jobs if job.record is not None)


def _records(evidence: Evidence) -> Iterator[tuple[Job, dict[str, Any]]]:
    return ((job, job.record) for job in evidence.jobs if job.record is not None)


def _succeeded_tunings(evidence: Evidence) -> Iterator[tuple[Job, dict[str, Any]]]:
    for job, record in _records(evidence):
        if SPECS[job.spec].exact and record["status"] == "succeeded":
            yield job, record
