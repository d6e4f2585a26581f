"""The store's container paused, gone, or ended together with all others: told at once, nothing is lost."""

import subprocess
import time
from collections.abc import Iterator

import httpx
import pytest

from tests.containers.installation import SERVICES, Installation
from tests.containers.test_life import REQUEST, assert_whole
from tests.stack import wait_until

pytestmark = [pytest.mark.containers, pytest.mark.timeout(600)]

ANSWER_SECONDS = 2.5  # two, and what asking from outside takes on a loaded machine
FETCH = "import urllib.request as u; print(u.urlopen('http://127.0.0.1:9464/metrics').read().decode())"
LONG = REQUEST | {"hyperparameters": {**REQUEST["hyperparameters"], "max_steps": 100_000}}


@pytest.fixture
def store_comes_back(up: Installation) -> Iterator[None]:
    yield
    up.compose("unpause", "store", check=False)
    up.compose("start", "store")
    # `up` would take its last failed check for a failed start.
    wait_until(lambda: up.container("store")["State"]["Health"]["Status"] == "healthy", 60)
    up.up()
    up.until_ready()


@pytest.mark.parametrize("how", ["pause", "stop"])
def test_a_store_that_is_away_is_told_within_two_seconds_and_by_the_alert(
    up: Installation, how: str, store_comes_back: None
) -> None:
    """Paused it answers nothing; stopped, its very name can't be looked up."""
    key = up.exec("api", "tunedock", "key")
    up.compose(how, "store")
    for path in ("/readyz", "/v1/jobs"):
        started = time.monotonic()
        answer = httpx.get(f"{up.api_url}{path}", headers={"Authorization": f"Bearer {key}"}, timeout=30)
        assert answer.status_code == 503, path
        assert time.monotonic() - started < ANSWER_SECONDS, path
    assert "tunedock_store_up 0.0" in up.exec("api", "python", "-c", FETCH)
    wait_until(lambda: alerts(up).get("TunedockStoreAway") == "firing", 120)
    assert "TunedockTargetDown" not in alerts(up)  # the API itself answers


def test_all_containers_ended_at_once_end_soon_and_the_job_goes_on(
    up: Installation, store_comes_back: None
) -> None:
    """What a host that shuts down does: the worker can't hand its job back to a store that ends, too."""
    with up.client() as client:
        job = client.submit(LONG)
    wait_until(lambda: is_training(up, job.id, attempt=1), 120)
    names = [up.container(service)["Name"].lstrip("/") for service in SERVICES]
    subprocess.run(["docker", "kill", "-s", "TERM", *names], check=True, capture_output=True)
    wait_until(lambda: not any(up.container(service)["State"]["Running"] for service in SERVICES), 60)
    state = up.container("worker")["State"]
    assert state["ExitCode"] == 0
    assert not state["OOMKilled"]
    up.up()
    up.until_ready()
    with up.client() as client:
        wait_until(lambda: is_training(up, job.id, attempt=2), 120)
        client.cancel(job.id)
        assert up.until_ended(job.id).status == "cancelled"
        after = client.submit(REQUEST)
    assert_whole(up, up.until_ended(after.id))


def is_training(up: Installation, job_id: str, *, attempt: int) -> bool:
    with up.client() as client:
        job = client.job(job_id)
    return job.status == "running" and job.attempt == attempt and bool(job.progress.step)


def alerts(up: Installation) -> dict[str, str]:
    """What Prometheus alerts of, or will soon: each one's state, firing or pending."""
    told = httpx.get(f"{up.prometheus_url}/api/v1/alerts").json()["data"]["alerts"]
    return {alert["labels"]["alertname"]: alert["state"] for alert in told}
