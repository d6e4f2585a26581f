"""What the API answers while its store is full, read only, paused or gone: 503 in words, and soon."""

import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import redis
from werkzeug.test import TestResponse

from services.api.metrics import HttpMetrics, metrics_text
from shared.settings import Settings
from shared.worker_store import WorkerStore
from tests.api.conftest import Api, make_api
from tests.monitoring.metric_names import rules
from tests.valkey import Valkey


@pytest.fixture
def admin(valkey: Valkey) -> Iterator[Any]:
    client: Any = redis.Redis(port=valkey.port, decode_responses=True)
    yield client
    client.config_set("maxmemory", 0)
    client.replicaof("no", "one")


def make_full(admin: Any) -> None:
    admin.config_set("maxmemory", 1)


def make_read_only(admin: Any) -> None:
    admin.replicaof("127.0.0.1", 1)


@pytest.mark.parametrize(("make", "said"), [(make_full, "memory is full"), (make_read_only, "read-only")])
def test_a_store_that_takes_no_writes_is_a_503_that_loses_nothing(
    api: Api, admin: Any, settings: Settings, store: WorkerStore, make: Any, said: str
) -> None:
    earlier = api.submitted()["id"]
    body = {"kind": "load_diagnostic", "model": "tiny"}
    headers = {"Idempotency-Key": "once"}
    make(admin)
    answer = api.post("/v1/jobs", json=body, headers=headers)
    problem = answer.get_json()
    assert (answer.status_code, problem["code"]) == (503, "store_unavailable")
    assert said in problem["detail"]
    assert said in problem["error"]["message"]
    assert answer.headers["Retry-After"]
    assert api.get(f"/v1/jobs/{earlier}").status_code == 200  # reads go on
    assert [job["id"] for job in api.get("/v1/jobs").get_json()["data"]] == [earlier]
    readiness = api.get("/readyz")
    assert (readiness.status_code, said in readiness.get_json()["detail"]) == (503, True)
    admin.config_set("maxmemory", 0)
    admin.replicaof("no", "one")
    assert api.post("/v1/jobs", json=body, headers=headers).status_code == 202
    assert len(api.get("/v1/jobs").get_json()["data"]) == 2


ANSWER_SECONDS = 2.0


@pytest.fixture
def lonely(settings: Settings, tmp_path: Path) -> Iterator[tuple[Api, Valkey]]:
    """An API as it is served, over a store of its own."""
    (tmp_path / "own").mkdir()
    server = Valkey(tmp_path / "own").start()
    yield make_api(settings, WorkerStore.connect_for_answers(server.url)), server
    server.kill()


def ask_everything(api: Api) -> list[float]:
    """Ask what needs the store, twice, and say how long each answer took, seconds."""
    body = {"kind": "load_diagnostic", "model": "tiny"}
    asks: list[Callable[[], TestResponse]] = [
        lambda: api.get("/readyz"),
        lambda: api.get("/v1/jobs"),
        lambda: api.post("/v1/jobs", json=body),
        lambda: api.get("/v1/fine_tuning/jobs"),
    ]
    seconds = []
    for ask in asks * 2:
        started = time.monotonic()
        answer = ask()
        seconds.append(time.monotonic() - started)
        assert answer.status_code == 503
    started = time.monotonic()
    text = metrics_text(HttpMetrics(None), api.store, {})
    seconds.append(time.monotonic() - started)
    assert b"\ntunedock_store_up 0.0\n" in text
    return seconds


def wait_until_it_answers(api: Api) -> None:
    deadline = time.monotonic() + 10
    while api.get("/v1/jobs").status_code != 200:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_paused_store_is_told_within_two_seconds_then_at_once_and_is_found_again(
    lonely: tuple[Api, Valkey],
) -> None:
    api, server = lonely
    assert api.get("/v1/jobs").status_code == 200
    with server.frozen():
        first, *others = ask_everything(api)
    assert first < ANSWER_SECONDS
    assert max(others) < 0.5
    wait_until_it_answers(api)


def test_a_store_that_was_stopped_is_told_at_once_and_is_found_again(lonely: tuple[Api, Valkey]) -> None:
    api, server = lonely
    assert api.get("/v1/jobs").status_code == 200
    server.kill()
    assert max(ask_everything(api)) < 0.5
    server.start()
    wait_until_it_answers(api)


@pytest.mark.parametrize("reserve", [1, 2**60])
def test_a_store_that_is_away_is_told_with_the_room_where_little_is_left(
    settings: Settings, reserve: int
) -> None:
    short = settings.model_copy(update={"min_free_bytes": reserve})
    api = make_api(short, WorkerStore.connect_for_answers("redis://127.0.0.1:1/0"))
    for page in ("/v1/jobs", "/readyz"):
        answer = api.get(page)
        assert answer.status_code == 503
        assert ("The disk of the data folder has only" in answer.text) == (reserve > 1)
        assert "The job store does not answer." in answer.text


def test_a_pause_while_many_ask_costs_each_of_them_two_seconds_at_most(lonely: tuple[Api, Valkey]) -> None:
    api, server = lonely

    def ask(_: int) -> float:
        started = time.monotonic()
        assert api.client.application.test_client().get("/readyz").status_code == 503
        return time.monotonic() - started

    with server.frozen(), ThreadPoolExecutor(16) as pool:
        assert max(pool.map(ask, range(32))) < ANSWER_SECONDS


def test_a_name_that_no_resolver_knows_is_told_within_two_seconds(settings: Settings) -> None:
    api = make_api(settings, WorkerStore.connect_for_answers("redis://store.invalid:6379/0"))
    assert max(ask_everything(api)) < ANSWER_SECONDS


def test_a_resolver_that_hangs_costs_two_seconds_at_most_and_one_thread(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """glibc asks each name server twice for five seconds, and nothing interrupts it."""
    silence, resolver = threading.Event(), socket.getaddrinfo

    def hang(host: str, *more: Any, **options: Any) -> Any:
        if host == "store":
            silence.wait(20)
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return resolver(host, *more, **options)

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    api = make_api(settings, WorkerStore.connect_for_answers("redis://store:6379/0"))
    try:
        first, *others = ask_everything(api)
        assert first < ANSWER_SECONDS
        assert max(others) < 0.5
        assert sum(thread.name == "lookup-store" for thread in threading.enumerate()) == 1
    finally:
        silence.set()


def test_the_stores_state_is_a_gauge_in_every_scrape(settings: Settings, tmp_path: Path) -> None:
    server = Valkey(tmp_path).start()
    store = WorkerStore.connect(server.url)
    http, storages = HttpMetrics(None), {"data": tmp_path}
    assert b"\ntunedock_store_up 1.0\n" in metrics_text(http, store, storages)
    server.kill()
    text = metrics_text(http, store, storages)
    assert b"\ntunedock_store_up 0.0\n" in text
    (alert,) = (rule for rule in rules("alert") if rule["alert"] == "TunedockStoreAway")
    read = re.findall(r"tunedock_\w+", alert["expr"])  # what tells of an absence must itself be there
    assert read
    assert all(f"\n{name} ".encode() in text for name in read)
    assert b"tunedock_disk_free_bytes" in text
