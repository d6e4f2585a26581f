"""The hub of live events in this process over a real store: slow readers, lost jobs, silence."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from services.api.live import history, hub, of_job
from services.api.live.frames import HEARTBEAT, STORE_IS_SILENT
from services.api.live.history import Histories
from services.api.live.hub import MOST_WAITING, Hub
from services.api.live.of_job import JobTold
from services.api.live.order import StreamOrder
from services.api.live.streams import EventStreams
from shared.event_log import EventLog, Id
from shared.job_folder import JobFolder
from shared.job_records import WorkerEvent, event_order
from shared.journal import journal_line
from shared.live_events import LiveStore
from shared.schemas.records import JobEvent
from shared.worker_store import WorkerStore
from tests.ledger import claim_next, submit
from tests.valkey import Valkey


@pytest.fixture
def live(valkey: Valkey, store: WorkerStore) -> LiveStore:
    return LiveStore(valkey.url)


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "NEWS_SECONDS", 0.2)


def order(job_id: str | None, after: str | None = None) -> StreamOrder:
    return StreamOrder(job_id, after, "en", str, "req_1")


def told(store: WorkerStore, job_ids: list[str], count: int) -> None:
    """Events as `cancel` writes them: quick, and of whichever job."""
    for _ in range(count):
        for job_id in job_ids:
            store.move(job_id, "priority", 1)
            store.move(job_id, "priority", 0)


@asynccontextmanager
async def hub_of(live: LiveStore) -> AsyncIterator[Hub]:
    made = Hub(live)
    yield made
    made.close("test")
    while made._reading:
        await asyncio.sleep(0.05)
    await live.close()


def test_a_reader_that_takes_nothing_is_cut_off_and_holds_little(live: LiveStore, store: WorkerStore) -> None:
    job_id = submit(store).id

    async def listen() -> tuple[int, str | None, int, str | None]:
        async with hub_of(live) as own:
            slow, quick, taken = own.join(job_id), own.join(None), 0
            assert await own.has_begun(5)
            writing = asyncio.get_running_loop().run_in_executor(None, told, store, [job_id], 300)
            while taken < 600:
                taken += len(await quick.take(5))
            await writing
            result = len(slow._events), slow.over, taken, quick.over
            own.leave(slow)
            own.leave(quick)
            return result

    waiting, slow_over, taken, quick_over = asyncio.run(listen())
    assert (waiting, slow_over) == (MOST_WAITING, "its reader is too slow")
    assert (taken, quick_over) == (600, None)


def test_nobody_listens_and_nobody_asks_the_store(live: LiveStore, store: WorkerStore) -> None:
    async def listen() -> tuple[bool, bool]:
        async with hub_of(live) as own:
            before = own._reading is None
            listener = own.join(None)
            assert await own.has_begun(5)
            own.leave(listener)
            for _ in range(100):
                if own._reading is None:
                    break
                await asyncio.sleep(0.05)
            return before, own._reading is None

    assert asyncio.run(listen()) == (True, True)
    submit(store)  # and who comes later is told all the same
    asyncio.run(listen())


def test_a_quiet_stream_shows_that_it_lives_and_ends_when_its_job_is_gone(
    live: LiveStore, store: WorkerStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(of_job, "HEARTBEAT_SECONDS", 0.2)
    job_id = submit(store).id

    async def listen() -> list[bytes]:
        async with hub_of(live) as own:
            listener = own.join(job_id)
            pieces = []
            async for piece in JobTold(order(job_id), own, listener, Histories(live, tmp_path)).pieces():
                pieces.append(piece)
                if len(pieces) == 3:
                    store._run("forget", job_id)
            own.leave(listener)
            return pieces

    first, *beats, end = asyncio.run(listen())
    assert b"The job is accepted and queued." in first
    assert beats == [HEARTBEAT] * len(beats)
    assert len(beats) >= 2
    assert end == f'event: end\ndata: {{"job_id": "{job_id}", "status": null}}\n\n'.encode()


def test_a_store_that_is_away_is_told_in_the_stream_and_asked_again_at_intervals(
    live: LiveStore, store: WorkerStore, valkey: Valkey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(of_job, "RETRY_SECONDS", 0.2)
    job_id = submit(store).id
    asked = 0
    edges = live.edges

    async def counted() -> Any:
        nonlocal asked
        asked += 1
        return await edges()

    live.edges = counted  # type: ignore[method-assign]

    async def listen() -> list[bytes]:
        async with hub_of(live) as own:
            valkey.kill()
            listener, pieces = own.join(job_id), []
            async for piece in JobTold(order(job_id), own, listener, Histories(live, tmp_path)).pieces():
                pieces.append(piece)
                if len(pieces) == 8:
                    valkey.start()
                if piece != STORE_IS_SILENT:
                    break
            own.leave(listener)
            return pieces

    *silence, told_at_last = asyncio.run(listen())
    assert silence == [STORE_IS_SILENT] * len(silence)
    assert len(silence) >= 8
    assert b"The job is accepted and queued." in told_at_last
    assert asked < 3 * len(silence)


def test_a_store_that_lost_what_was_between_cuts_its_listeners_off(
    live: LiveStore, store: WorkerStore
) -> None:
    async def listen() -> str | None:
        async with hub_of(live) as own:
            submit(store)
            listener = own.join(None)
            assert await own.has_begun(5)
            submit(store)
            assert len(await listener.take(5)) == 1
            store._redis.flushall()
            submit(store)
            store._redis.client_kill_filter(_type="normal", skipme=True)
            for _ in range(100):
                if listener.over:
                    break
                await asyncio.sleep(0.05)
            own.leave(listener)
            return listener.over

    assert asyncio.run(listen()) == "the store has lost what was between"


def test_a_client_that_goes_leaves_nothing_behind(valkey: Valkey, store: WorkerStore, tmp_path: Path) -> None:
    job_id = submit(store).id

    async def serve() -> int:
        streams = EventStreams(valkey.url, tmp_path)
        sent: list[dict[str, Any]] = []
        gone = asyncio.Event()

        async def receive() -> dict[str, Any]:
            await gone.wait()
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            sent.append(message)
            if b"accepted" in message["body"]:
                gone.set()

        await asyncio.wait_for(streams.serve(order(job_id), receive, send), 10)
        assert sent[0]["body"].startswith(b"retry: ")
        streams.end_all()
        count = streams._hub.count
        while streams._hub._reading:
            await asyncio.sleep(0.05)
        await streams.close()
        return count

    assert asyncio.run(serve()) == 0


def test_an_event_is_written_once_for_all_its_readers(live: LiveStore, store: WorkerStore) -> None:
    job_id = submit(store).id

    async def listen() -> list[int]:
        async with hub_of(live) as own:
            listeners = [own.join(job_id) for _ in range(3)]
            assert await own.has_begun(5)
            told(store, [job_id], 1)
            taken = [await listener.take(5) for listener in listeners]
            for listener in listeners:
                own.leave(listener)
            return [id(events[0]) for events in taken]

    assert len(set(asyncio.run(listen()))) == 1


@pytest.mark.parametrize("page", [7, 200])
def test_a_history_in_pages_is_the_list_of_events_the_other_way_round(
    live: LiveStore, store: WorkerStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, page: int
) -> None:
    """Messages in the store, steps in two attempts' journals, the newest of them in both."""
    monkeypatch.setattr(history, "PAGE", page)
    job_id = submit(store).id
    for _ in range(2):
        claim = claim_next(store)
        journal = JobFolder.of(tmp_path, job_id).attempt(claim.attempt).journal
        journal.parent.mkdir(parents=True, exist_ok=True)
        for first in range(1, 400, 50):
            numbers = range(first, first + 50)
            kinds = ["message" if number % 17 == 0 else "metrics" for number in numbers]
            events = [
                WorkerEvent(number, "info", kind, f"{claim.attempt}: {number}", {}, 1e9, is_in_journal=True)
                for number, kind in zip(numbers, kinds, strict=True)
            ]
            with journal.open("ab") as file:
                file.write(b"".join(map(journal_line, events)))
            assert store.record_events(claim, events) == "ok"
        assert store.release(claim) == "ok"
    listed = list(EventLog(store, tmp_path).newest_first(job_id))[::-1]
    assert len(listed) == 1 + 2 * (1 + 400 + 1)

    async def read(after: Id) -> list[JobEvent]:
        histories, found, is_last = Histories(live, tmp_path), [], False
        while not is_last:
            part = await histories.page(job_id, after)
            found += part.events
            after, is_last = part.end or after, part.is_last
        histories.close()
        return found

    async def read_all() -> list[list[JobEvent]]:
        found = [await read((0, 0)), await read(event_order(listed[99].id)), await read((9, 9))]
        await live.close()
        return found

    assert asyncio.run(read_all()) == [listed, listed[100:], []]
