"""What the API answers while its store is full, read only, paused or gone: 503 in words, and soon."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from services.api.metrics import HttpMetrics, metrics_text
from shared.settings import Settings
from shared.worker_store import WorkerStore
from tests.api.conftest import Api
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
    admin.config_set("maxmemory", 0)
    admin.replicaof("no", "one")
    assert api.post("/v1/jobs", json=body, headers=headers).status_code == 202
    assert len(api.get("/v1/jobs").get_json()["data"]) == 2


def test_the_stores_state_is_a_gauge_in_every_scrape(settings: Settings, tmp_path: Path) -> None:
    server = Valkey(tmp_path).start()
    store = WorkerStore.connect(server.url)
    http, storages = HttpMetrics(None), {"data": tmp_path}
    assert b"\ntunedock_store_up 1.0\n" in metrics_text(http, store, storages)
    server.kill()
    text = metrics_text(http, store, storages)
    assert b"\ntunedock_store_up 0.0\n" in text
    assert b"tunedock_disk_free_bytes" in text
