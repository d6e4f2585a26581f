"""Every panel's query against the Prometheus that watched a job, and both endpoints by promtool's rules."""

import time
from collections.abc import Callable

import pytest

from tests.containers.conftest import LARGER_MODEL
from tests.containers.installation import Installation
from tests.containers.test_life import REQUEST
from tests.monitoring.dashboards import EMPTY_UNTIL_PREPARED
from tests.monitoring.panel_queries import Answer, ask_all, table
from tests.monitoring.promtool import find_promtool

pytestmark = [pytest.mark.containers, pytest.mark.timeout(900)]

WATCHED_SECONDS = 80  # two rounds of the rules, which come every 30 s
LONG = REQUEST | {"hyperparameters": {**REQUEST["hyperparameters"], "max_steps": 100_000}}
FETCH = "import sys, urllib.request as u; sys.stdout.write(u.urlopen(sys.argv[1]).read().decode())"


def test_every_panel_has_data_during_and_after_a_job(up: Installation) -> None:
    with up.client() as client:
        for kind in ("load_diagnostic", "model_preparation"):
            before = client.submit({"kind": kind, "model": LARGER_MODEL})
            assert up.until_ended(before.id).status == "succeeded"
        job = client.submit(LONG)
        deadline = time.monotonic() + WATCHED_SECONDS
        while time.monotonic() < deadline:
            assert client.job(job.id).status in ("queued", "running")
            time.sleep(0.5)
        during = ask_all(up.prometheus_url)
        client.cancel(job.id)
        assert up.until_ended(job.id).status == "cancelled"
    time.sleep(10)
    after = ask_all(up.prometheus_url)
    print(table(during))
    for answers in (during, after):
        assert len(answers) > 30
        assert not [answer for answer in answers if answer.is_missing]
        assert not [answer for answer in answers if not answer.series and _was_prepared_for(answer)]
        assert max(answer.milliseconds for answer in answers) < 200


def _was_prepared_for(answer: Answer) -> bool:
    """Whether a model's preparation, which there was, fills the panel."""
    return answer.query.excuse == EMPTY_UNTIL_PREPARED


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
