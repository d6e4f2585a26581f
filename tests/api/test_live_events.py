"""Live events over HTTP: a history and what follows, each event once whatever is cut, and an end."""

import json
import os
import random
import signal
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from services.cli.client import Client
from services.cli.follow import followed
from shared.job_folder import JobFolder
from shared.job_records import Claim, WorkerEvent
from shared.journal import journal_line
from shared.settings import Settings
from shared.worker_store import WorkerStore
from tests.api.conftest import Api, make_api
from tests.api.listening import EVENT_STREAM, Listening
from tests.api.server import Server, serve
from tests.ledger import claim_next, submit
from tests.stack import wait_until
from tests.valkey import Valkey


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, valkey: Valkey) -> Iterator[Server]:
    with serve(tmp_path_factory.mktemp("api"), valkey) as server:
        yield server


@pytest.fixture(autouse=True)
def _empty(request: pytest.FixtureRequest) -> None:
    if "server" in request.fixturenames:
        request.getfixturevalue("server").store._redis.flushall()


@contextmanager
def closing_store(valkey: Valkey) -> Iterator[None]:
    try:
        yield
    finally:
        valkey.kill()


def begun(server: Server) -> Claim:
    submit(server.store)
    return claim_next(server.store)


def tell(
    server: Server, claim: Claim, first: int, count: int, kind: str = "message", *, kept: bool = False
) -> None:
    """Events as a worker tells them, numbered from `first`; the journal has those that are `kept` there."""
    events = [
        WorkerEvent(
            number, "info", kind, f"told {number}", {"step": number}, 1e9 + number, is_in_journal=kept
        )
        for number in range(first, first + count)
    ]
    if kept:
        journal = JobFolder.of(server.data_dir, claim.job_id).attempt(claim.attempt).journal
        journal.parent.mkdir(parents=True, exist_ok=True)
        with journal.open("ab") as file:
            file.write(b"".join(map(journal_line, events)))
    assert server.store.record_events(claim, events) == "ok"


def events_of(server: Server, job_id: str) -> list[dict[str, object]]:
    """The list of all events, oldest first."""
    answer = httpx.get(
        f"{server.url}/v1/jobs/{job_id}/events?limit=1000", headers=server.headers, trust_env=False
    )
    return list(reversed(answer.json()["data"]))


def test_a_stream_tells_the_history_then_what_happens_then_the_end(server: Server) -> None:
    claim = begun(server)
    tell(server, claim, 1, 3)
    client = Listening(server, f"/v1/jobs/{claim.job_id}/events")
    with client.opened() as answer:
        assert answer.headers["Content-Type"] == "text/event-stream; charset=utf-8"
        assert answer.headers["Cache-Control"] == "no-store, no-transform"
        assert answer.headers["x-request-id"]
        lines = answer.iter_lines()
        client.hear(lines, 5)
        tell(server, claim, 4, 2, "metrics")
        client.hear(lines, 2)
        server.store.finish(claim, "succeeded", message="Done")
        assert client.hear(lines)  # to the end
    *events, end = client.told
    assert (end.event, end.data) == ("end", {"job_id": claim.job_id, "status": "succeeded"})
    assert [frame.event for frame in events] == ["message"] * 5 + ["metrics"] * 2 + ["message"]
    listed = [{**event, "job_id": claim.job_id} for event in events_of(server, claim.job_id)]
    assert [frame.data for frame in events] == listed
    assert client.last_id == listed[-1]["id"]
    assert client.retry_ms is not None
    assert 1000 <= client.retry_ms <= 3000


def test_who_comes_back_after_the_end_is_told_to_come_back_no_more(server: Server) -> None:
    claim = begun(server)
    server.store.finish(claim, "failed", message="Broken")
    client = Listening(server, f"/v1/jobs/{claim.job_id}/events")
    assert client.listen()
    assert client.told[-1].data["status"] == "failed"
    with client.opened() as answer:
        assert answer.status_code == 204
    again = Listening(server, client.path)  # who knows nothing is told everything
    assert again.listen()
    assert again.told == client.told


def test_open_streams_are_counted_by_kind_and_those_of_a_process_that_dies_no_more(
    tmp_path: Path, valkey: Valkey
) -> None:
    """Over a server of its own: who left another test's stream is noticed only when something is sent."""
    with serve(tmp_path, valkey) as server:
        wait_until(lambda: are_open(server, 0, 0), 30)
        job_id = submit(server.store).id
        of_job, of_all = Listening(server, f"/v1/jobs/{job_id}/events"), Listening(server, "/v1/events")
        with of_job.opened(), of_job.opened(), of_all.opened():
            wait_until(lambda: are_open(server, 2, 1), 30)
        server.store.cancel(job_id)
        # Each job tells the stream of all jobs an event: who has gone is noticed at the second.
        wait_until(lambda: bool(submit(server.store)) and are_open(server, 0, 0), 30)
        of_job.path = f"/v1/jobs/{submit(server.store).id}/events"
        with of_job.opened(), of_all.opened():
            wait_until(lambda: are_open(server, 1, 1), 30)
            pid = server.process.pid
            for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
                os.kill(int(child), signal.SIGKILL)
            wait_until(lambda: are_open(server, 0, 0), 30)


def are_open(server: Server, of_job: int, of_all: int) -> bool:
    """Whether so many streams are counted; not while the server's processes are replaced."""
    try:
        lines = server.metrics().splitlines()
    except httpx.TransportError:
        return False
    counts = sorted(line for line in lines if line.startswith("tunedock_event_streams{"))
    return counts == [
        f'tunedock_event_streams{{kind="all"}} {of_all:.1f}',
        f'tunedock_event_streams{{kind="job"}} {of_job:.1f}',
    ]


@pytest.mark.parametrize("of_all", [False, True])
def test_cuts_at_random_places_lose_and_repeat_nothing(server: Server, *, of_all: bool) -> None:
    claim, count, cuts = begun(server), 200, 10

    def listen(seed: int) -> Listening:
        chance = random.Random(seed)
        path = "/v1/events?since=0-0" if of_all else f"/v1/jobs/{claim.job_id}/events"
        client = Listening(server, path, stop_at="Done")
        while not client.is_done:
            client.listen(chance.randrange(2 * count // cuts) + 1)
        return client

    def work() -> None:
        for first in range(1, count, 10):
            tell(server, claim, first, 10, "metrics", kept=first % 3 == 0)
            time.sleep(0.02)
        server.store.finish(claim, "succeeded", message="Done")

    with ThreadPoolExecutor(7) as pool:
        working = pool.submit(work)
        clients = list(pool.map(listen, range(6)))
        working.result()
    wanted = [f"{claim.job_id} {event['id']}" for event in events_of(server, claim.job_id)]
    assert len(wanted) == count + 3
    for client in clients:
        assert client.ids == wanted
        assert {frame.event for frame in client.told} <= {"message", "metrics", "end"}


def test_steps_that_left_the_store_are_told_from_the_journal(server: Server) -> None:
    claim = begun(server)
    for first in range(1, 1200, 100):
        tell(server, claim, first, 100, "metrics", kept=True)
    client = Listening(server, f"/v1/jobs/{claim.job_id}/events", last_id="1-102")
    client.listen(1100)
    assert client.ids == [f"{claim.job_id} 1-{number}" for number in range(103, 1203)]
    assert client.told[0].data["message"] == "told 101"
    redis = server.store._redis
    assert redis.xlen(f"tunedock:tail:{claim.job_id}") < 300  # else nothing was read from the journal


def test_what_is_kept_nowhere_is_told_as_a_gap_with_its_size(server: Server) -> None:
    claim = begun(server)
    tell(server, claim, 1, 10)
    server.store._redis.xtrim(f"tunedock:events:{claim.job_id}", maxlen=3, approximate=False)
    client = Listening(server, f"/v1/jobs/{claim.job_id}/events", last_id="1-4")
    client.listen(4)
    gap, *events = client.told
    assert (gap.event, gap.data) == ("gap", {"job_id": claim.job_id, "after": "1-4", "missing": 5})
    assert [frame.data["id"] for frame in events] == ["1-10", "1-11", "1-12"]


def test_a_place_that_the_stream_of_all_jobs_no_longer_has_is_a_gap(server: Server) -> None:
    claim = begun(server)
    everything = Listening(server, "/v1/events?since=0-0")
    everything.listen(2)
    place = everything.last_id
    tell(server, claim, 1, 10)
    server.store._redis.xtrim("tunedock:live", maxlen=3, approximate=False)
    client = Listening(server, "/v1/events", last_id=place)
    client.listen(4)
    assert (client.told[0].event, client.told[0].data["after"]) == ("gap", place)
    assert [frame.data["message"] for frame in client.told[1:]] == ["told 8", "told 9", "told 10"]


@pytest.mark.parametrize("path", ["/v1/events", "/v1/jobs/{job}/events"])
def test_an_id_of_another_history_is_a_gap_and_the_stream_goes_on(server: Server, path: str) -> None:
    """As after a backup was restored: what this store has is told, whatever the id says."""
    claim = begun(server)
    of_all = "{job}" not in path
    client = Listening(
        server, path.format(job=claim.job_id), last_id="999999999999999-1" if of_all else "9-99"
    )
    with client.opened() as answer:
        lines = answer.iter_lines()
        client.hear(lines, 1)
        assert client.told.pop().event == "gap"
        tell(server, claim, 1, 1)
        client.hear(lines, 1 if of_all else 3)
    assert client.told[-1].data["message"] == "told 1"


def test_the_stream_of_all_jobs_begins_now_and_names_each_events_job(server: Server) -> None:
    first = begun(server)
    client = Listening(server, "/v1/events")
    with client.opened() as answer:
        lines = answer.iter_lines()
        assert [next(lines) for _ in range(4)][2].startswith("id: ")  # who is cut off now comes back with it
        second = submit(server.store)
        tell(server, first, 1, 1)
        client.hear(lines, 2)
    assert [(frame.data["job_id"], frame.data["id"]) for frame in client.told] == [
        (second.id, "0-1"),
        (first.job_id, "1-3"),
    ]


def test_streams_keep_no_thread_and_nobody_waiting(server: Server) -> None:
    claim = begun(server)
    head = (
        f"GET /v1/jobs/{claim.job_id}/events HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n"
        f"Authorization: Bearer {server.key}\r\n\r\n"
    )
    connections = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(80)]
    for connection in connections:
        connection.settimeout(20)
        connection.sendall(head.encode())
    for connection in connections:
        assert connection.recv(12) == b"HTTP/1.1 200"
    for path in ("/healthz", "/v1/jobs") * 5:
        began = time.monotonic()
        assert httpx.get(f"{server.url}{path}", headers=server.headers, trust_env=False).status_code == 200
        assert time.monotonic() - began < 5
    tell(server, claim, 1, 1)
    for connection in connections:
        heard = b""
        while b"told 1" not in heard:
            piece = connection.recv(65536)
            assert piece
            heard += piece
        connection.close()


def test_a_store_that_goes_and_comes_back_costs_a_stream_nothing(tmp_path: Path) -> None:
    valkey = Valkey(tmp_path).start()
    with closing_store(valkey), serve(tmp_path / "api", valkey) as server:
        claim = begun(server)
        clients = [
            Listening(server, f"/v1/jobs/{claim.job_id}/events"),
            Listening(server, "/v1/events?since=0-0"),
        ]
        reached = threading.Barrier(3)

        def listen(client: Listening) -> None:
            with client.opened(40) as answer:
                lines = answer.iter_lines()
                client.hear(lines, 2)
                reached.wait(20)
                client.hear(lines, 3)

        with ThreadPoolExecutor(2) as pool:
            heard = [pool.submit(listen, client) for client in clients]
            reached.wait(20)
            valkey.kill()
            time.sleep(0.5)
            valkey.start()
            tell(server, claim, 1, 3)
            for each in heard:
                each.result(60)
        for client in clients:
            assert [frame.data["message"] for frame in client.told[2:]] == ["told 1", "told 2", "told 3"]
        assert server.log.read_text().count("no live events from the job store") <= 2  # once a process


def test_a_server_that_stops_ends_its_streams_at_once(tmp_path: Path, valkey: Valkey) -> None:
    with serve(tmp_path, valkey) as server:
        claim = begun(server)
        client = Listening(server, f"/v1/jobs/{claim.job_id}/events")
        with client.opened() as answer:
            lines = answer.iter_lines()
            client.hear(lines, 2)
            began = time.monotonic()
            server.process.send_signal(signal.SIGTERM)
            assert client.hear(lines)  # whole: no frame is torn
            assert server.process.wait(20) == 0
            assert time.monotonic() - began < 8  # streams that nobody ended would take 30


def test_a_head_request_has_the_head_of_the_stream_alone(server: Server) -> None:
    claim = begun(server)
    for path in ("/v1/events", f"/v1/jobs/{claim.job_id}/events"):
        answer = httpx.head(
            f"{server.url}{path}", headers=server.headers | EVENT_STREAM, timeout=5, trust_env=False
        )
        assert (answer.status_code, answer.headers["Content-Type"]) == (
            200,
            "text/event-stream; charset=utf-8",
        )


def test_refusals_are_those_of_every_other_page(api: Api) -> None:
    job_id = api.submitted()["id"]

    def refusal(path: str, **headers: str) -> tuple[int, str, str]:
        answer = api.get(path, headers=EVENT_STREAM | headers)
        problem = answer.get_json(force=True)
        assert answer.content_type == "application/problem+json"
        return answer.status_code, problem["code"], problem["detail"]

    job, everything = f"/v1/jobs/{job_id}/events", "/v1/events"
    for path in (job, everything):
        assert refusal(path, Authorization="Bearer td_wrong")[:2] == (401, "invalid_api_key")
        status, code, detail = refusal(path, **{"Last-Event-ID": "x" * 100})
        assert (status, code, "x" * 59 in detail, "x" * 61 in detail) == (422, "invalid_field", True, False)
        assert "Last-Event-ID" in detail
        assert refusal(f"{path}?since=x")[:2] == (422, "invalid_field")
        assert refusal(path, Accept="text/html")[:2] == (404, "not_found")
    assert refusal("/v1/jobs/ftjob-unknown/events")[:2] == (404, "not_found")
    assert "since" in refusal(f"{job}?after=1-1")[2]
    assert "limit" in refusal(f"{job}?limit=5")[2]
    listed = api.get(f"{job}?since=1-1")
    assert (listed.status_code, "text/event-stream" in listed.get_json()["detail"]) == (422, True)
    assert api.get(job, headers={"Accept": "*/*"}).content_type == "application/json"
    assert api.get(job, headers=EVENT_STREAM | {"Last-Event-ID": ""}).status_code == 200


def test_one_stream_too_many_is_a_503_that_says_when_to_come_back(
    settings: Settings, store: WorkerStore
) -> None:
    api = make_api(settings, store, streams_are_full=lambda: True)
    answer = api.get("/v1/events", headers=EVENT_STREAM)
    assert (answer.status_code, answer.get_json(force=True)["code"]) == (503, "too_many_streams")
    assert int(answer.headers["Retry-After"]) > 0


def test_each_event_is_one_line_of_json_whatever_it_says(server: Server) -> None:
    claim = begun(server)
    event = WorkerEvent(1, "info", "message", "two\nlines\r\n\u2028 é", {"a": "b\n\nid: 9-9"}, at=1e9)
    assert server.store.record_events(claim, [event]) == "ok"
    client = Listening(server, f"/v1/jobs/{claim.job_id}/events")
    client.listen(3)
    assert client.told[-1].data["data"] == {"a": "b\n\nid: 9-9"}
    assert json.dumps(client.told[-1].data["message"]) == json.dumps("two\nlines\r\n\u2028 é")
    assert client.last_id == "1-3"


def test_the_command_follows_a_job_to_its_end(server: Server) -> None:
    claim = begun(server)

    def work() -> None:
        for number in range(1, 4):
            time.sleep(0.1)
            tell(server, claim, number, 1)
        server.store.finish(claim, "failed", message="Broken")

    with ThreadPoolExecutor(1) as pool, Client(server.url, server.key) as client:
        working = pool.submit(work)
        events = [event.model_dump() for event in followed(client, claim.job_id)]
        working.result()
    assert events == events_of(server, claim.job_id)
    assert "stream ended" in server.log.read_text()  # it did not only ask again and again
