"""Every panel's query against the Prometheus that watched a job, and both endpoints by promtool's rules."""

import time
from collections.abc import Callable

import pytest

from tests.containers.installation import Installation
from tests.containers.test_life import REQUEST
from tests.monitoring.panel_queries import ask_all, table
from tests.monitoring.promtool import find_promtool
from tests.stack import TINY_MODEL

pytestmark = [pytest.mark.containers, pytest.mark.timeout(900)]

SCRAPES_SECONDS = 30  # several scrapes and a round of the rules
FETCH = "import sys, urllib.request as u; sys.stdout.write(u.urlopen(sys.argv[1]).read().decode())"


def test_every_panel_has_data_after_a_job(up: Installation) -> None:
    with up.client() as client:
        # Other bases than the resident one, so that both are loaded anew and the load's panels have data.
        for request in ({"kind": "load_diagnostic", "model": TINY_MODEL}, REQUEST):
            assert up.until_ended(client.submit(request).id).status == "succeeded"
    time.sleep(SCRAPES_SECONDS)
    answers = ask_all(up.prometheus_url)
    print(table(answers))
    assert len(answers) > 30
    assert not [answer for answer in answers if answer.is_missing]
    assert max(answer.milliseconds for answer in answers) < 1000


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
