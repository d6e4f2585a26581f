"""A job's history from some event on, oldest first: from the store, and from its attempts' journals."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from shared.event_log import Id, in_journals, journal_event, oldest_ids
from shared.job_records import JournalRun, WorkerEvent, event_of
from shared.live_events import LiveStore
from shared.schemas.fields import JobStatus
from shared.schemas.records import JobEvent

PAGE = 200  # written in some milliseconds, in which the process answers nobody else
JOURNAL_THREADS = 2


@dataclass(frozen=True)
class HistoryPage:
    """Some events, oldest first. `status`: the job's, None where there is none.

    `end`: the id up to which this is all that is kept, None where nothing more is known; `is_last`: there is
    no event after it.
    """

    status: JobStatus | None
    events: list[JobEvent]
    end: Id | None
    is_last: bool


class Histories:
    """Every job's history. A disk that is slow takes threads of its own, none that answers requests."""

    def __init__(self, store: LiveStore, data_dir: Path) -> None:
        self._store, self._data_dir = store, data_dir
        self._threads = ThreadPoolExecutor(JOURNAL_THREADS, thread_name_prefix="journal")

    async def newest(self, job_id: str) -> Id:
        """The id of the job's newest event. Raises `redis.RedisError`."""
        return await self._store.newest_of(job_id)

    async def page(self, job_id: str, after: Id) -> HistoryPage:
        """The next events after `after`. Raises `redis.RedisError`."""
        stored = await self._store.history(job_id, after, PAGE)
        ids = oldest_ids(stored.events, stored.runs, after, PAGE)
        absent = [event_id for event_id in ids if event_id not in stored.events]
        journals = await self._from_journals(job_id, absent, stored.runs) if absent else {}
        events = []
        for event_id in ids:
            if fields := stored.events.get(event_id):
                events.append(event_of(f"{event_id[0]}-{event_id[1]}", fields))
            elif event := journals.get(event_id):
                events.append(journal_event(event_id, event))
        return HistoryPage(stored.status, events, ids[-1] if ids else None, is_last=len(ids) < PAGE)

    async def _from_journals(
        self, job_id: str, ids: list[Id], runs: tuple[JournalRun, ...]
    ) -> dict[Id, WorkerEvent]:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, in_journals, self._data_dir, job_id, ids, runs)

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
