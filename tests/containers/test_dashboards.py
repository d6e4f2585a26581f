"""Every panel's query against the Prometheus that watched a job, and both endpoints by promtool's rules."""

import time
from collections.abc import Callable

import pytest

from tests.containers.conftest import LARGER_MODEL
from tests.containers.installation import Installation
from tests.containers.test_life import REQUEST
from tests.monitoring.dashboards import EMPTY_UNTIL_PREPARED
from tests.monitoring.panel_queries import Answer, ask, ask_all, table
from tests.monitoring.promtool import find_promtool
from tests.stack import wait_until

pytestmark = [pytest.mark.containers, pytest.mark.timeout(900)]

WATCHED_SECONDS = 15  # three scrapes and rounds of the rules
FILLED_SECONDS = 180  # until all have data
QUICK_MILLISECONDS = 200
LONG = REQUEST | {"hyperparameters": {**REQUEST["hyperparameters"], "max_steps": 100_000}}
FETCH = "import sys, urllib.request as u; sys.stdout.write(u.urlopen(sys.argv[1]).read().decode())"


def test_every_panel_has_data_during_and_after_a_job(up: Installation) -> None:
    with up.client() as client:
        for kind in ("load_diagnostic", "model_preparation"):
            before = client.submit({"kind": kind, "model": LARGER_MODEL})
            assert up.until_ended(before.id).status == "succeeded"
        job = client.submit(LONG)
        wait_until(lambda: bool(client.job(job.id).progress.step))
        time.sleep(WATCHED_SECONDS)
        deadline = time.monotonic() + FILLED_SECONDS
        while unfilled(during := ask_all(up.prometheus_url)) and time.monotonic() < deadline:
            assert client.job(job.id).status in ("queued", "running")
            time.sleep(1)
        client.cancel(job.id)
        assert up.until_ended(job.id).status == "cancelled"
    time.sleep(10)
    after = ask_all(up.prometheus_url)
    print(table(during))
    for answers in (during, after):
        assert len(answers) > 30
        assert not unfilled(answers)
        for slow in (answer for answer in answers if answer.milliseconds >= QUICK_MILLISECONDS):
            wait_until(lambda: ask(up.prometheus_url, slow.query).milliseconds < QUICK_MILLISECONDS, 10)  # noqa: B023


def unfilled(answers: list[Answer]) -> list[Answer]:
    """Those without data that should have some; a model was prepared, which excuses others."""
    return [
        answer
        for answer in answers
        if answer.is_missing or (not answer.series and answer.query.excuse == EMPTY_UNTIL_PREPARED)
    ]


def test_the_metrics_are_as_prometheus_wants_them(
    up: Installation, need: Callable[[bool, str], None]
) -> None:
    promtool = find_promtool()
    need(promtool is not None, "promtool")
    assert promtool is not None
    for service, port in (("api", 9464), ("worker", 9465)):
        text = up.exec(service, "python", "-c", FETCH, f"http://127.0.0.1:{port}/metrics") + "\n"
        checked = promtool.run("check", "metrics", stdin=text)
        assert checked.returncode == 0, checked.stdout
        assert text.count("# HELP tunedock_") >= 9
