"""Listens to live events over many connections, cut off at random; a process of its own for `listeners`.

Each client is as strict as a browser: what is cut before its empty line is dropped, and it comes back with
the id of its last whole event. Numbers of a job's events have no gap, so what is lost or repeated shows.
"""

import asyncio
import json
import random
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

HEALTH_SECONDS = 0.05  # from one request for /healthz to the next, each with a connection of its own
ANSWER_SECONDS = 30.0
PAUSE_SECONDS = 1.0  # at most, before a client comes back
ALL_IS_TOLD = 204  # the job has ended
HALF = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Half: "


class Refused(Exception):
    """An answer other than 200."""


class Load:
    """All clients and what they found; seconds."""

    def __init__(self, order: dict[str, Any]) -> None:
        self.order = order
        place = urlsplit(order["url"])
        self.host, self.port = place.hostname, place.port
        self.ends = time.monotonic() + order["seconds"]
        self.delays: list[float] = []
        self.health: list[float] = []
        self.found: Counter[str] = Counter()

    async def open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.wait_for(asyncio.open_connection(self.host, self.port), ANSWER_SECONDS)

    def head(self, path: str, **more: str) -> bytes:
        fields = {"Host": "localhost", "Authorization": f"Bearer {self.order['key']}", **more}
        lines = [
            f"GET {path} HTTP/1.1",
            *(f"{name.replace('_', '-')}: {text}" for name, text in fields.items()),
        ]
        return "\r\n".join([*lines, "", ""]).encode()


class Client:
    """One listener to a job, or to all of them."""

    def __init__(self, load: Load, job_id: str | None, seed: int) -> None:
        self._load, self._job_id = load, job_id
        self._chance = random.Random(seed)
        begins, seconds = time.monotonic(), load.order["seconds"]
        moments = [begins + self._chance.random() * seconds for _ in range(load.order["cuts"])]
        self._cuts = sorted(moments, reverse=True)
        self._path = f"/v1/jobs/{job_id}/events" if job_id else "/v1/events?since=0-0"
        self._last_id: str | None = None
        self._next: Counter[str] = Counter()  # number of the next event, less 1, of each job

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            try:
                async with asyncio.timeout(self._seconds_left()):
                    await self._listen()
                self._load.found["ended by the server"] += 1
            except TimeoutError:
                if self._cuts:
                    self._cuts.pop()
                    self._load.found["cuts"] += 1
            except (OSError, EOFError, ValueError) as error:
                self._load.found[f"broken off: {type(error).__name__}"] += 1
            except Refused as error:
                self._load.found[f"answer {error}"] += 1
            await asyncio.sleep(self._chance.random() * PAUSE_SECONDS)

    def missing(self, told: dict[str, int]) -> int:
        """How many events have not come; `told`: the number of each job's last one."""
        wanted = {self._job_id: told[self._job_id]} if self._job_id else told
        return sum(max(0, last - self._next[job_id]) for job_id, last in wanted.items())

    def _seconds_left(self) -> float | None:
        return max(0.0, self._cuts[-1] - time.monotonic()) if self._cuts else None

    async def _listen(self) -> None:
        reader, writer = await self._load.open()
        try:
            more = {"Last_Event_ID": self._last_id} if self._last_id else {}
            writer.write(self._load.head(self._path, Accept="text/event-stream", **more))
            status = await _status_of(reader)
            if status == ALL_IS_TOLD:
                await asyncio.sleep(ANSWER_SECONDS)
                return
            if status != 200:
                raise Refused(status)
            since, text = time.time(), b""
            async for piece in _pieces(reader):
                *frames, text = (text + piece).split(b"\n\n")
                for frame in frames:
                    self._take(frame.decode(), since)
        finally:
            writer.transport.abort()

    def _take(self, frame: str, since: float) -> None:
        fields = dict(_fields(frame))
        self._last_id = fields.get("id", self._last_id)
        if "data" not in fields or fields["event"] in ("gap", "end"):
            self._load.found["gaps"] += fields.get("event") == "gap"
            return
        event = json.loads(fields["data"])
        job_id, number = event["job_id"], int(event["id"].partition("-")[2])
        self._load.found["events"] += 1
        if number <= self._next[job_id]:
            self._load.found["repeated"] += 1
            return
        self._load.found["lost"] += number - self._next[job_id] - 1
        self._next[job_id] = number
        if event["created_at"] > since and event["type"] == "metrics":
            self._load.delays.append(time.time() - event["created_at"])


def _fields(frame: str) -> Iterator[tuple[str, str]]:
    for line in frame.split("\n"):
        name, _, text = line.partition(":")
        yield name, text.removeprefix(" ")


async def _status_of(reader: asyncio.StreamReader) -> int:
    head = await reader.readuntil(b"\r\n\r\n")
    return int(head.split(b" ", 2)[1])


async def _pieces(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    """The pieces of a chunked body. Raises `EOFError` where it breaks off."""
    while size := int(await reader.readuntil(b"\r\n"), 16):
        yield (await reader.readexactly(size + 2))[:-2]


async def ask_health(load: Load) -> None:
    """At an even rate, whatever the answers take; each is timed from when it was due."""
    due, asking = time.monotonic(), set()
    while time.monotonic() < load.ends:
        task = asyncio.create_task(_ask_health(load, due))
        asking.add(task)
        task.add_done_callback(asking.discard)
        due += HEALTH_SECONDS
        await asyncio.sleep(max(0.0, due - time.monotonic()))
    await asyncio.gather(*asking)


async def _ask_health(load: Load, due: float) -> None:
    try:
        reader, writer = await load.open()
        writer.write(load.head("/healthz", Connection="close"))
        status = str(await asyncio.wait_for(_status_of(reader), ANSWER_SECONDS))
        writer.transport.abort()
    except (OSError, EOFError) as error:
        status = type(error).__name__
    if status != "200":
        load.found[f"healthz {status}"] += 1
    load.health.append(time.monotonic() - due)


async def burden(load: Load, sent: bytes) -> None:
    """Connect, send no whole request, and connect again when the server has had enough."""
    while True:
        with suppress(OSError):
            reader, writer = await load.open()
            writer.write(sent)
            await reader.read()
            load.found["given up by the server"] += 1
            writer.transport.abort()
        await asyncio.sleep(0.1)


async def _lines() -> AsyncIterator[dict[str, Any]]:
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        yield json.loads(line)


async def main() -> None:
    orders = _lines()
    load = Load(await anext(orders))
    jobs, count = load.order["jobs"], load.order["listeners"]
    burdens = [burden(load, b"") for _ in range(load.order["idle"])]
    burdens += [burden(load, HALF) for _ in range(load.order["half"])]
    tasks = [asyncio.create_task(each) for each in burdens]
    clients = [Client(load, [*jobs, None][seed % (len(jobs) + 1)], seed) for seed in range(count)]
    running = [asyncio.create_task(client.run()) for client in clients]
    health = asyncio.create_task(ask_health(load))
    print("{}", flush=True)  # they are on their way
    told = (await anext(orders))["told"]
    patience = time.monotonic() + ANSWER_SECONDS
    while any(client.missing(told) for client in clients) and time.monotonic() < patience:
        await asyncio.sleep(0.1)
    await health
    load.found["lost"] += sum(client.missing(told) for client in clients)
    for task in tasks + running:
        task.cancel()
    print(json.dumps({
        "delay_seconds": load.delays, "health_seconds": load.health, "found": load.found,
        "own_cpu_seconds": time.process_time(),
    }))  # fmt: skip


if __name__ == "__main__":
    asyncio.run(main())
