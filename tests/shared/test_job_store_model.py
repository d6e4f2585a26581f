"""Random histories of submits, moves, claims, crashes and late calls, held against a model of the rules."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from shared.errors import InvalidField, InvalidTransition
from shared.event_log import EventLog
from shared.job_folder import JobFolder
from shared.job_records import Claim, WorkerEvent
from shared.jobs import TERMINAL, TRANSITIONS, new_job_id
from shared.journal import journal_events, journal_line
from shared.schemas.fields import JobStatus
from shared.schemas.requests import FineTuningRequest
from shared.worker_store import WorkerStore
from tests.valkey import Valkey

CRASH_LIMIT = 3
ORDERS = {"cancelling": "cancel", "pausing": "pause", "paused": "pause"}


@dataclass(eq=False)
class Expected:
    """What the model knows of one job. `place` is its number until somebody is moved."""

    place: int
    priority: int = 0
    waits: set["Expected"] = field(default_factory=set)
    followers: list["Expected"] = field(default_factory=list)
    status: JobStatus = "queued"
    attempt: int = 0
    pauses: int = 0
    crashes: int = 0
    checkpoint: int = 0
    publishing: bool = False
    handed_back: bool = False
    told_too_late: bool = False
    with_all: bool = False
    events: int = 1
    history: list[JobStatus] = field(default_factory=lambda: ["queued"])

    def move(self, status: JobStatus) -> None:
        assert status in TRANSITIONS[self.status]
        self.pauses += (self.status, status) == ("pausing", "paused")
        self.status = status
        self.events += 1
        self.history.append(status)
        if status in TERMINAL:
            for follower in self.followers:
                follower.hear(self)

    def hear(self, ended: "Expected") -> None:
        """A job before this one ended."""
        if self.status in TERMINAL:
            return
        if ended.status != "succeeded":
            self.move("cancelled")
            return
        self.waits.remove(ended)
        self.events += not self.waits

    def verdict(self, attempt: int) -> str | None:
        if attempt != self.attempt or self.handed_back:
            return "fenced"
        return "ended" if self.status in TERMINAL else None


@dataclass
class Told:
    """What one attempt's worker said: the last number, and what the store has not got yet."""

    number: int = 0
    pending: list[WorkerEvent] = field(default_factory=list)


class Ledger(RuleBasedStateMachine):
    """One worker host whose process dies and comes back under a new boot id, as often as hypothesis likes."""

    store: WorkerStore
    folder: Path
    jobs: Bundle[str] = Bundle("jobs")
    claims: Bundle[Claim | None] = Bundle("claims")

    def __init__(self) -> None:
        super().__init__()
        self.store._redis.flushall()
        self.expected: dict[str, Expected] = {}
        self.told: dict[tuple[str, int], Told] = {}
        self.boot = 0
        self.nonces = 0

    @rule(target=jobs, priority=st.sampled_from([0, 0, 1, -1]))
    def submit(self, priority: int) -> str:
        job_id = new_job_id("fine_tuning")
        self._submit(job_id, FineTuningRequest(dataset="d", priority=priority))
        self.expected[job_id] = Expected(len(self.expected) + 1, priority)
        return job_id

    @rule(target=jobs, one=jobs, other=jobs)
    def submit_after(self, one: str, other: str) -> Any:
        job_id, before = new_job_id("fine_tuning"), [self.expected[name] for name in {one, other}]
        request = FineTuningRequest(dataset="d", after=[one, other])
        if any(job.status in ("failed", "cancelled") for job in before):
            with pytest.raises(InvalidField):
                self._submit(job_id, request)
            return multiple()
        self._submit(job_id, request)
        waits = {job for job in before if job.status != "succeeded"}
        job = Expected(len(self.expected) + 1, waits=waits, events=1 + bool(waits))
        for awaited in waits:
            awaited.followers.append(job)
        self.expected[job_id] = job
        return job_id

    def _submit(self, job_id: str, request: FineTuningRequest) -> None:
        for _ in range(2):  # a repeat of the same call changes nothing
            self.store.submit(
                job_id,
                request,
                owner="me",
                idempotency_key=None,
                fingerprint=job_id,
                is_retry=False,
                max_queued_jobs=1000,
            )

    def _line(self) -> list[Expected]:
        """Every queued job in the order in which it would start, did none wait for others."""
        queued = [job for job in self.expected.values() if job.status == "queued"]
        return sorted(queued, key=lambda job: (-job.priority, job.place))

    @rule(
        job_id=jobs,
        other_id=jobs,
        how=st.sampled_from(["front", "back", "before", "behind", "up", "down", "priority"]),
        count=st.integers(1, 3),
    )
    def move(self, job_id: str, other_id: str, how: Any, count: int) -> None:
        job, other = self.expected[job_id], self.expected[other_id]
        is_beside = how in ("before", "behind")
        what = other_id if is_beside else count if how in ("up", "down", "priority") else ""
        if is_beside and job is other:
            with pytest.raises(InvalidField):
                self.store.move(job_id, how, what)
            return
        if job.status != "queued" or (is_beside and other.status != "queued"):
            with pytest.raises(InvalidTransition):
                self.store.move(job_id, how, what)
            return
        self.store.move(job_id, how, what)
        line = self._line()
        was = (self._ahead_of(job), job.priority)
        rest = [one for one in line if one is not job]
        if how == "priority":
            job.priority = count
        else:
            to = self._target(line, rest, job, other, how, count)
            if to < len(rest):
                job.priority = max(job.priority, rest[to].priority)
            if to > 0:
                job.priority = min(job.priority, rest[to - 1].priority)
            peers = [one for one in [*rest[:to], job, *rest[to:]] if one.priority == job.priority]
            places = sorted(one.place for one in peers)
            for one, place in zip(peers, places, strict=True):
                one.place = place
        job.events += (self._ahead_of(job) != was[0]) + (job.priority != was[1])

    def _ahead_of(self, job: Expected) -> int:
        line = self._line()
        return sum(not one.waits for one in line[: line.index(job)])

    def _target(
        self, line: list[Expected], rest: list[Expected], job: Expected, other: Expected, how: str, count: int
    ) -> int:
        at = line.index(job)
        startable = [index for index, one in enumerate(rest) if not one.waits]
        above = [index for index in startable if index < at]
        below = [index for index in startable if index >= at]
        return {
            "front": lambda: 0,
            "back": lambda: len(rest),
            "before": lambda: rest.index(other),
            "behind": lambda: rest.index(other) + 1,
            "up": lambda: above[max(0, len(above) - count)] if above else at,
            "down": lambda: below[min(len(below), count) - 1] + 1 if below else at,
        }[how]()

    @rule(target=claims)
    def claim(self) -> Claim | None:
        self.nonces += 1
        self._forget_pauses()
        claimed = self.store.claim(host="a", boot=str(self.boot), nonce=str(self.nonces), lease_seconds=1000)
        startable = [job for job in self._line() if not job.waits]
        if claimed is None:
            assert not startable
            return None
        assert isinstance(claimed, Claim)
        job = self.expected[claimed.job_id]
        assert job is startable[0]  # whatever happened to it before
        job.attempt += 1
        job.publishing = job.handed_back = job.told_too_late = False
        job.move("running")
        assert claimed.attempt == job.attempt
        return claimed

    @rule(job_id=jobs)
    def cancel(self, job_id: str) -> None:
        job = self.expected[job_id]
        if job.status in ("succeeded", "failed"):
            with pytest.raises(InvalidTransition):
                self.store.cancel(job_id)
            return
        self.store.cancel(job_id)
        if job.status in ("running", "queued", "pausing") and job.publishing:
            job.events += not job.told_too_late  # once, however often it is asked
            job.told_too_late = True
        elif job.status in ("queued", "paused"):
            job.move("cancelled")
        elif job.status in ("running", "pausing"):
            job.move("cancelling")

    @rule(job_id=jobs)
    def pause(self, job_id: str) -> None:
        job = self.expected[job_id]
        is_late = job.publishing and job.status in ("queued", "running")
        if job.status in ("cancelling", *TERMINAL) or is_late:
            with pytest.raises(InvalidTransition):
                self.store.pause(job_id)
            return
        self.store.pause(job_id)
        job.with_all = False
        if job.status == "queued":
            job.move("paused")
        elif job.status == "running":
            job.move("pausing")

    @rule(job_id=jobs)
    def resume(self, job_id: str) -> None:
        job = self.expected[job_id]
        if job.status in ("cancelling", *TERMINAL):
            with pytest.raises(InvalidTransition):
                self.store.resume(job_id)
            return
        self.store.resume(job_id)
        self._go_on(job)

    def _go_on(self, job: Expected) -> None:
        job.with_all = False
        if job.status == "paused":
            job.move("queued")
        elif job.status == "pausing":
            job.move("running")

    @rule()
    def pause_the_queue_and_let_it_go(self) -> None:
        """Nothing starts in between; what this paused goes on, and what was paused before does not."""
        running = [i for i, job in self.expected.items() if job.status == "running" and not job.publishing]
        assert set(self.store.hold()) == set(running)
        for job_id in running:
            self.expected[job_id].move("pausing")
            self.expected[job_id].with_all = True
        assert self.store.is_held()
        assert self.store.claim(host="a", boot=str(self.boot), nonce="held", lease_seconds=1000) is None
        assert self.store.wanted_rings(alive_seconds=1000) == 0
        going_on = {
            i for i, job in self.expected.items() if job.with_all and job.status in ("pausing", "paused")
        }
        assert set(self.store.let_go()) == going_on
        for job_id in going_on:
            self._go_on(self.expected[job_id])
        assert not self.store.is_held()

    @rule(claim=claims, step=st.integers(1, 5))
    def checkpoint(self, claim: Claim | None, step: int) -> None:
        if claim is None:
            return
        job = self.expected[claim.job_id]
        assert self.store.checkpoint(claim, step) == (job.verdict(claim.attempt) or "ok")
        if job.verdict(claim.attempt) is None and step > job.checkpoint:
            job.checkpoint, job.crashes = step, 0

    @rule(claim=claims)
    def beat(self, claim: Claim | None) -> None:
        if claim is None:
            return
        job = self.expected[claim.job_id]
        wanted = job.verdict(claim.attempt) or ORDERS.get(job.status, "ok")
        was_queued = wanted == "ok" and job.status == "queued"
        assert self.store.beat(claim, lease_seconds=1000, progress={"stage": "x"}) == wanted
        if was_queued:
            job.move("running")
            job.crashes = max(0, job.crashes - 1)

    @rule(
        claim=claims, kind=st.sampled_from(["message", "metrics"]), written=st.booleans(), sent=st.booleans()
    )
    def say(self, claim: Claim | None, kind: str, written: bool, sent: bool) -> None:
        """A worker numbers an event, writes it down unless its disk is full, sends what it has not yet."""
        if claim is None:
            return
        job, told = self.expected[claim.job_id], self.told.setdefault((claim.job_id, claim.attempt), Told())
        told.number += 1
        told.pending.append(WorkerEvent(told.number, "info", kind, "said", {}, 1.0, written))
        if written:
            path = self._journal(claim.job_id, claim.attempt)
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("ab") as file:
                file.write(journal_line(told.pending[-1]))
        if sent:
            wanted = job.verdict(claim.attempt)
            for _ in range(2):
                assert self.store.record_events(claim, told.pending) == (wanted or "ok")
            if wanted is None:
                job.events += len(told.pending)
                told.pending.clear()

    @rule(claim=claims)
    def replay(self, claim: Claim | None) -> None:
        """A new attempt sends what dead ones wrote down and could not send."""
        if claim is None or self.expected[claim.job_id].verdict(claim.attempt):
            return
        for attempt in range(1, claim.attempt):
            recorded = self.store.recorded(claim.job_id, attempt)
            unsent = list(journal_events(self._journal(claim.job_id, attempt), first=recorded + 1))
            for _ in range(2):
                assert self.store.record_events(claim, unsent, source_attempt=attempt) == "ok"
            self.expected[claim.job_id].events += len(unsent)

    @rule(claim=claims)
    def publish(self, claim: Claim | None) -> None:
        if claim is None:
            return
        job = self.expected[claim.job_id]
        late = {"cancelling": "cancel", "paused": "pause"}.get(job.status) if not job.publishing else None
        assert self.store.publish(claim) == (job.verdict(claim.attempt) or late or "ok")
        if job.verdict(claim.attempt) is None and not late:
            job.publishing = True

    @rule(claim=claims, status=st.sampled_from(["succeeded", "failed"]))
    def finish(self, claim: Claim | None, status: JobStatus) -> None:
        if claim is None:
            return
        job = self.expected[claim.job_id]
        verdict = self.store.finish(claim, status, message="end")  # type: ignore[arg-type]
        if job.verdict(claim.attempt):
            again = job.verdict(claim.attempt) == "ended" and job.status == status
            assert verdict == ("already" if again else job.verdict(claim.attempt))
        elif job.status == "cancelling" and not (status == "succeeded" and job.publishing):
            assert verdict == "cancel"
            assert self.store.finish(claim, "cancelled", message="end") == "ok"
            job.move("cancelled")
        elif job.status == "paused":
            assert verdict == "pause"
        else:
            assert verdict == "ok"
            if job.status == "queued":
                job.move("running")
            job.move(status)

    @rule(claim=claims)
    def release(self, claim: Claim | None) -> None:
        if claim is None:
            return
        job = self.expected[claim.job_id]
        wanted = job.verdict(claim.attempt) or ("cancel" if job.status == "cancelling" else "ok")
        if job.handed_back and claim.attempt == job.attempt:
            wanted = "ok"
        assert self.store.release(claim) == wanted
        if wanted == "ok" and not job.handed_back:
            job.handed_back = True
            if job.status == "running":
                job.move("queued")
            elif job.status == "pausing":
                job.move("paused")

    @rule()
    def the_worker_dies_and_comes_back(self) -> None:
        self.boot += 1
        held = [i for i, job in self.expected.items() if job.status in ("running", "pausing", "cancelling")]
        recovered = self.store.recover(host="a", boot=str(self.boot), crash_limit=CRASH_LIMIT)
        assert set(recovered) == set(held)
        for job_id in held:
            job = self.expected[job_id]
            if job.status == "cancelling":
                job.move("cancelled")
                continue
            if job.status == "pausing":
                job.move("paused")
                continue
            job.crashes += 1
            job.move("failed" if job.crashes >= CRASH_LIMIT else "queued")

    @invariant()
    def every_record_is_what_the_model_says(self) -> None:
        ended = self.store.ended()
        for job_id, job in self.expected.items():
            record = self.store.get(job_id)
            assert (record.status, record.attempt) == (job.status, job.attempt)
            assert (record.pauses, record.pauses <= record.attempt) == (job.pauses, True)
            assert (record.finished_at is not None) == (job.status in TERMINAL)
            assert ended.count((job_id, job.status)) == (1 if job.status in TERMINAL else 0)
            events = list(EventLog(self.store, self.folder).newest_first(job_id))
            assert len(events) == job.events
            ids = [tuple(map(int, event.id.split("-"))) for event in events]
            assert ids == sorted(set(ids), reverse=True)
        assert len(ended) == sum(job.status in TERMINAL for job in self.expected.values())

    @invariant()
    def the_queue_holds_the_queued_jobs_in_their_order(self) -> None:
        startable = [job for job in self._line() if not job.waits]
        names = {id(job): job_id for job_id, job in self.expected.items()}
        for job_id, job in self.expected.items():
            record = self.store.get(job_id)
            place = startable.index(job) + 1 if job in startable else None
            assert (record.queue_position, record.priority) == (place, job.priority)
            waits = job.waits if job.status not in TERMINAL else ()
            assert set(record.waits_for) == {names[id(one)] for one in waits}
        census = self.store.census()
        assert census.queue_length["fine_tuning"] == len(startable)
        assert census.waiting_for_jobs["fine_tuning"] == len(self._line()) - len(startable)
        awaited = [job for job in self.expected.values() if job.status not in TERMINAL]
        wanted = {
            names[id(job)]
            for job in awaited
            if any(one.status not in TERMINAL and job in one.waits for one in job.followers)
        }
        keys: Any = self.store._redis.keys("tunedock:followers:*")
        assert {key.removeprefix("tunedock:followers:") for key in keys} == wanted

    def _journal(self, job_id: str, attempt: int) -> Path:
        return JobFolder(self.folder / "jobs" / job_id).attempt(attempt).journal

    def _forget_pauses(self) -> None:
        for job_id in self.expected:
            self.store._redis.hset(f"tunedock:job:{job_id}", "not_before", 0)


@pytest.fixture
def store() -> Iterator[WorkerStore]:
    memory = Path("/dev/shm")  # thousands of durable writes: the rules are tested here, not the disk
    with TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        server = Valkey(Path(folder)).start()
        yield WorkerStore.connect(server.url)
        server.kill()


@pytest.mark.timeout(600)
def test_no_history_of_calls_breaks_the_rules_of_the_state_machine(
    store: WorkerStore, tmp_path: Path
) -> None:
    Ledger.store, Ledger.folder = store, tmp_path
    examples = int(os.environ.get("LEDGER_EXAMPLES", "60"))
    run_state_machine_as_test(
        Ledger,
        settings=settings(
            max_examples=examples,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
