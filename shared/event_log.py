"""All events of a job: what the store keeps, and the steps that only the attempts' journals on disk have.

The store allots every id, `<attempt>-<count>`, the count without a gap, and remembers as runs which ids the
events of which journal got. So an event is there once the store has taken it, at its one place, whoever holds
its text; a reader that follows the store's streams and lost some finds them here by their ids.
"""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from shared.job_folder import JobFolder
from shared.job_records import EventPage, JournalRun, WorkerEvent, event_order, is_first
from shared.job_store import JobStore
from shared.journal import journal_events
from shared.messages.document import in_sentences
from shared.messages.render import shown
from shared.schemas.records import JobEvent

READ_AT_ONCE = 1000

_log = logging.getLogger(__name__)

Id = tuple[int, int]


@dataclass(frozen=True)
class EventLog:
    """Reads the events of every job of the installation in `data_dir`."""

    store: JobStore
    data_dir: Path

    def page(self, job_id: str, *, after: str | None = None, limit: int = 100) -> EventPage:
        """Newest first, those older than event `after`. Raises `NotFound`."""
        found = tuple(islice(self.newest_first(job_id, after=after, at_once=limit + 1), limit + 1))
        return EventPage(found[:limit], has_more=len(found) > limit)

    def newest_first(
        self, job_id: str, *, after: str | None = None, at_once: int = READ_AT_ONCE
    ) -> Iterator[JobEvent]:
        """Every event older than `after`, each once. Raises `NotFound`."""
        missing = 0
        while not (after and is_first(after)):
            stored = self.store.stored_events(job_id, after=after, limit=at_once)
            events = {event_order(event.id): event for event in stored.events}
            below = event_order(after) if after else None
            ids = _newest_ids(list(events), stored.runs, below, at_once)
            if not ids:
                break
            events |= self._from_journals(
                job_id, [found for found in ids if found not in events], stored.runs
            )
            missing += sum(found not in events for found in ids)
            yield from (events[found] for found in ids if found in events)
            after = _text(ids[-1])
        if missing:
            _log.warning("%d events of job %s are in no journal any more", missing, job_id)

    def _from_journals(self, job_id: str, ids: list[Id], runs: tuple[JournalRun, ...]) -> dict[Id, JobEvent]:
        found = in_journals(self.data_dir, job_id, ids, runs)
        return {event_id: journal_event(event_id, event) for event_id, event in found.items()}


def in_journals(
    data_dir: Path, job_id: str, ids: list[Id], runs: tuple[JournalRun, ...]
) -> dict[Id, WorkerEvent]:
    """Those of `ids` that the journals of the job's attempts have; reads files."""
    found: dict[Id, WorkerEvent] = {}
    for run in runs:
        counts = [count for attempt, count in ids if attempt == run.attempt and _has(run, count)]
        if counts:
            offset = run.count - run.number
            path = JobFolder.of(data_dir, job_id).attempt(run.source).journal
            for event in journal_events(path, first=min(counts) - offset, last=max(counts) - offset):
                found[run.attempt, event.number + offset] = event
    return found


def oldest_ids(stored: Iterable[Id], runs: tuple[JournalRun, ...], above: Id, count: int) -> list[Id]:
    """The oldest `count` ids above `above`, oldest first, of those in the store or in a journal."""
    ids = set(stored)
    fewest = len(ids) + count
    for run in sorted(runs, key=lambda run: (run.attempt, run.count)):
        if len(ids) >= fewest:
            break
        first = run.count
        if run.attempt <= above[0]:
            first = max(first, above[1] + 1) if run.attempt == above[0] else run.count + run.length
        ids.update((run.attempt, number) for number in range(first, run.count + run.length)[:count])
    return sorted(ids)[:count]


def _newest_ids(stored: list[Id], runs: tuple[JournalRun, ...], below: Id | None, count: int) -> list[Id]:
    """The newest `count` ids below `below`, newest first, of those in the store or in a journal."""
    ids = set(stored)
    for run in reversed(runs):
        if len(ids) >= len(stored) + count:
            break
        end = run.count + run.length
        if below is not None and run.attempt >= below[0]:
            end = min(end, below[1]) if run.attempt == below[0] else run.count
        ids.update((run.attempt, number) for number in range(max(run.count, end - count), end))
    return sorted(ids, reverse=True)[:count]


def _has(run: JournalRun, count: int) -> bool:
    return run.count <= count < run.count + run.length


def _text(event_id: Id) -> str:
    return f"{event_id[0]}-{event_id[1]}"


def journal_event(event_id: Id, event: WorkerEvent) -> JobEvent:
    """What a journal has of the event that the store gave this id."""
    return JobEvent.model_validate(
        {
            "id": _text(event_id),
            "created_at": event.at,
            "level": event.level,
            "type": event.type,
            "message": shown(event.message),
            "data": in_sentences(dict(event.data)),
        }
    )
