"""The event log against a real store and real journals: every event once and in order, whoever keeps it."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from shared.errors import NotFound
from shared.event_log import EventLog
from shared.job_folder import JobFolder
from shared.job_records import Claim, WorkerEvent, event_order
from shared.journal import journal_events, journal_line
from shared.schemas.records import JobEvent
from shared.worker_store import WorkerStore
from tests.ledger import claim_next, submit


class Told:
    """A worker's part: numbers events, writes them into a real journal, sends them as far as it gets."""

    def __init__(self, store: WorkerStore, data_dir: Path, claim: Claim) -> None:
        self.store, self.claim, self.number = store, claim, 0
        self.journal = JobFolder(data_dir / "jobs" / claim.job_id).attempt(claim.attempt).journal
        self.journal.parent.mkdir(parents=True, exist_ok=True)

    def steps(self, count: int, *, written: bool = True, sent: bool = True) -> None:
        events = [self._event("metrics", step) for step in range(self.number + 1, self.number + count + 1)]
        self._tell(events, written, sent)

    def say(self, message: str, *, written: bool = True, sent: bool = True) -> None:
        self._tell([replace(self._event("message", self.number + 1), message=message)], written, sent)

    def _event(self, kind: str, number: int) -> WorkerEvent:
        return WorkerEvent(
            number,
            "info",
            kind,
            f"attempt {self.claim.attempt} says {number}",
            {"step": number},
            at=1e9 + number,
        )

    def _tell(self, events: list[WorkerEvent], written: bool, sent: bool) -> None:
        self.number = events[-1].number
        if written:
            with self.journal.open("ab") as file:
                file.write(b"".join(map(journal_line, events)))
        if sent:
            for first in range(0, len(events), 100):
                batch = [replace(event, is_in_journal=written) for event in events[first : first + 100]]
                assert self.store.record_events(self.claim, batch) == "ok"

    def replayed_by(self, later: Claim) -> None:
        recorded = self.store.recorded(later.job_id, self.claim.attempt)
        unsent = list(journal_events(self.journal, first=recorded + 1))
        for _ in range(2):  # a repeat changes nothing
            self.store.record_events(later, unsent, source_attempt=self.claim.attempt)


@pytest.fixture
def log(store: WorkerStore, tmp_path: Path) -> EventLog:
    return EventLog(store, tmp_path)


@pytest.fixture
def claim(store: WorkerStore) -> Claim:
    submit(store)
    return claim_next(store)


@pytest.fixture
def told(store: WorkerStore, tmp_path: Path, claim: Claim) -> Told:
    return Told(store, tmp_path, claim)


def everything(log: EventLog, job_id: str) -> list[JobEvent]:
    """Oldest first; read in one go and in pages of every size, which must agree."""
    found = list(log.newest_first(job_id))
    assert all(event_order(a.id) > event_order(b.id) for a, b in pairwise(found))
    for limit in (7, 100, 1000):
        assert list(paged(log, job_id, limit)) == found
    return found[::-1]


def paged(log: EventLog, job_id: str, limit: int) -> Iterator[JobEvent]:
    after: str | None = None
    while True:
        page = log.page(job_id, after=after, limit=limit)
        yield from page.events
        if not page.has_more:
            return
        after = page.events[-1].id


def steps_of(events: list[JobEvent]) -> list[int]:
    return [event.data["step"] for event in events if event.type == "metrics"]


def test_steps_that_left_the_store_are_read_from_the_journal_in_their_places(
    log: EventLog, store: WorkerStore, told: Told
) -> None:
    job_id = told.claim.job_id
    told.say("begin")
    told.steps(1200)
    told.say("half")
    told.steps(1500)
    while_running = everything(log, job_id)
    assert steps_of(while_running) == [*range(2, 1202), *range(1203, 2703)]
    assert len(store.events(job_id, limit=5000).events) < 350
    store.finish(told.claim, "succeeded", message="Done")
    after = everything(log, job_id)
    assert after[:-1] == while_running  # id, time and text are the same from whichever place
    assert [event.id.split("-")[1] for event in after] == [str(count + 1) for count in range(len(after))]
    assert [event.message for event in store.events(job_id).events] == [
        "Done", "half", "begin", "The job started.", "The job is accepted and queued.",
    ]  # fmt: skip


def test_what_others_say_meanwhile_has_its_place_between_the_workers_events(
    log: EventLog, store: WorkerStore, told: Told
) -> None:
    told.steps(150)
    store.cancel(told.claim.job_id)
    told.steps(150)
    store.finish(told.claim, "cancelled", message="Cancelled")
    events = everything(log, told.claim.job_id)
    assert [event.message for event in events if event.type == "message"] == [
        "The job is accepted and queued.", "The job started.", "The job was asked to stop.", "Cancelled",
    ]  # fmt: skip
    assert steps_of(events) == list(range(1, 301))
    assert events[152].message == "The job was asked to stop."


def test_after_crashes_and_replays_every_event_is_there_once(
    log: EventLog, store: WorkerStore, told: Told, tmp_path: Path
) -> None:
    job_id = told.claim.job_id
    told.steps(300)
    told.steps(50, sent=False)
    told.say("last words", sent=False)
    with told.journal.open("ab") as file:
        file.write(b'{"number": 352, "at": 1, "lev')  # it died in the middle of a line
    seen_before = everything(log, job_id)
    assert steps_of(seen_before) == list(range(1, 301))  # an event is there once the store has taken it
    store.recover(host="a", boot="2", crash_limit=9)
    second = Told(store, tmp_path, _claim(store, "2"))
    told.replayed_by(second.claim)
    second.steps(200)
    second.steps(30, sent=False)
    store.checkpoint(second.claim, 1)
    store.recover(host="a", boot="3", crash_limit=9)
    third = Told(store, tmp_path, _claim(store, "3"))
    told.replayed_by(third.claim)
    second.replayed_by(third.claim)
    third.steps(120)
    store.finish(third.claim, "succeeded", message="Done")
    events = everything(log, job_id)
    assert events[: len(seen_before)] == seen_before  # what a reader saw stays where it was
    said = [event.message for event in events if event.message.startswith("attempt")]
    assert len(said) == len(set(said)) == 350 + 230 + 120
    assert [event.message for event in events].count("last words") == 1


def test_steps_that_no_journal_took_stay_in_the_store(log: EventLog, store: WorkerStore, told: Told) -> None:
    told.steps(300)
    told.steps(400, written=False)  # the disk was full
    told.steps(300)
    store.finish(told.claim, "succeeded", message="Done")
    assert steps_of(everything(log, told.claim.job_id)) == list(range(1, 1001))


def test_a_disk_that_is_full_again_and_again_costs_no_step_and_bounded_memory(
    log: EventLog, store: WorkerStore, told: Told
) -> None:
    for _ in range(400):
        told.steps(2)
        told.steps(1, written=False)
    events = list(log.newest_first(told.claim.job_id))[::-1]
    assert steps_of(events) == list(range(1, 1201))
    runs = store._redis.hget(f"tunedock:job:{told.claim.job_id}", "journal_runs")
    assert isinstance(runs, str)
    assert len(runs) < 4100


def test_a_job_whose_disk_was_full_all_the_time_keeps_its_steps(
    log: EventLog, store: WorkerStore, told: Told
) -> None:
    told.steps(1000, written=False)
    store.finish(told.claim, "succeeded", message="Done")
    assert steps_of(list(log.newest_first(told.claim.job_id))[::-1]) == list(range(1, 1001))


def test_a_lost_journal_costs_its_steps_says_so_and_nothing_else(
    log: EventLog, store: WorkerStore, told: Told, caplog: pytest.LogCaptureFixture
) -> None:
    told.steps(3000)
    told.say("kept")
    store.finish(told.claim, "succeeded", message="Done")
    told.journal.unlink()
    assert [event.message for event in log.page(told.claim.job_id, limit=20).events] == [
        "Done", "kept", "The job started.", "The job is accepted and queued.",
    ]  # fmt: skip
    assert "3000 events" in caplog.text


def test_a_cursor_before_everything_and_one_that_never_was_are_answered(log: EventLog, told: Told) -> None:
    job_id = told.claim.job_id
    told.steps(250)
    assert log.page(job_id, after="0-0").events == log.page(job_id, after="000-00").events == ()
    assert [event.id for event in log.page(job_id, after="1-5", limit=2).events] == ["1-4", "1-3"]
    assert log.page(job_id, after="9-1", limit=1).events[0].id == "1-252"
    assert log.page(job_id, after="1-99999", limit=1).events[0].id == "1-252"
    with pytest.raises(NotFound):
        log.page("ftjob-none")


def test_a_stretch_of_a_long_journal_is_found_past_torn_lines(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    lines = [
        journal_line(WorkerEvent(number, "info", "metrics", "s" * 200, {"step": number}))
        for number in range(1, 5001)
    ]
    for torn in range(10, 5000, 700):
        lines[torn] = lines[torn][:40] + b"\n"
    path.write_bytes(b"".join(lines))
    whole = [event.number for event in journal_events(path)]
    assert len(whole) == 5000 - len(range(10, 5000, 700))
    for first, last in ((1, 3), (2500, 2600), (4990, 9999), (711, 711), (6000, 6001)):
        found = [event.number for event in journal_events(path, first=first, last=last)]
        assert found == [number for number in whole if first <= number <= last]


def _claim(store: WorkerStore, boot: str) -> Claim:
    claimed = store.claim(host="a", boot=boot, nonce=boot, lease_seconds=45)
    assert isinstance(claimed, Claim)
    return claimed
