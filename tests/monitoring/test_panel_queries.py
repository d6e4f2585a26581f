"""Asking a Prometheus what the panels ask: variables filled in as Grafana does; what counts as missing."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs

import pytest

from tests.monitoring.dashboards import EMPTY_WHEN_WELL, NEEDS_A_CARD, Query, queries
from tests.monitoring.panel_queries import Answer, ask, step_of, substitute, table

OVER_TIME = Query("now", 1, "Steps", "A", "rate(x{gpu=~'$gpu'}[$__rate_interval])", False, 0)
AT_ONCE = Query("now", 2, "Ended", "A", "increase(x[$__range])", True, 0)


@pytest.fixture
def prometheus() -> Iterator[tuple[str, list[dict[str, str]]]]:
    """The least of one: answers each query with a series of numbers and one of NaN; keeps what was asked."""
    asked: list[dict[str, str]] = []

    class Api(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            asked.append({"path": self.path} | {name: values[0] for name, values in form.items()})
            values = [[0, "NaN"], [5, "1.5"]], [[0, "NaN"]]
            one_value = self.path.endswith("/query")
            rows = [{"value": series[-1]} if one_value else {"values": series} for series in values]
            body = json.dumps({"data": {"result": rows}}).encode()
            self.send_response(400 if form["query"] == ["("] else 200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Api)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    thread.join()
    server.server_close()


def test_variables_are_filled_in_as_grafana_does() -> None:
    filled = substitute(OVER_TIME, range_seconds=900, step_seconds=5)
    assert filled == "rate(x{gpu=~'.+'}[20s])"  # four scrapes at least
    assert "[65s]" in substitute(OVER_TIME, range_seconds=86400, step_seconds=60)
    assert substitute(AT_ONCE, range_seconds=900, step_seconds=5) == "increase(x[900s])"


def test_no_variable_is_left_in_any_query() -> None:
    assert not [q.name for q in queries() if "$" in substitute(q, range_seconds=900, step_seconds=5)]


def test_a_step_is_no_finer_than_the_scrapes() -> None:
    assert step_of(OVER_TIME, 900, 1000) == 5
    assert step_of(OVER_TIME, 86400, 1440) == 60


def test_a_query_over_time_asks_for_a_range(prometheus: tuple[str, list[dict[str, str]]]) -> None:
    url, asked = prometheus
    answer = ask(url, OVER_TIME, range_seconds=900, end=1000.0)
    assert (answer.series, answer.error, answer.is_missing) == (1, None, False)  # NaN alone is no answer
    assert asked == [
        {
            "path": "/api/v1/query_range",
            "query": "rate(x{gpu=~'.+'}[20s])",
            "start": "100.000",
            "end": "1000.000",
            "step": "5",
        }
    ]


def test_a_query_of_the_present_asks_for_one_moment(prometheus: tuple[str, list[dict[str, str]]]) -> None:
    url, asked = prometheus
    assert ask(url, AT_ONCE, range_seconds=900, end=1000.0).series == 1
    assert asked == [{"path": "/api/v1/query", "query": "increase(x[900s])", "time": "1000.000"}]


def test_a_refused_query_is_an_error(prometheus: tuple[str, list[dict[str, str]]]) -> None:
    broken = Query("now", 3, "Broken", "A", "(", True, 0, EMPTY_WHEN_WELL)
    answer = ask(prometheus[0], broken)
    assert answer.error
    assert answer.is_missing


def test_only_a_marked_panel_may_answer_with_nothing() -> None:
    card = Query("gpu", 1, "Power", "A", "x", True, 0, NEEDS_A_CARD)
    answers = [Answer(OVER_TIME, 0, 1.0), Answer(card, 0, 1.0), Answer(OVER_TIME, 1, 1.0)]
    assert [answer.is_missing for answer in answers] == [True, False, False]
    assert table(answers).splitlines()[2:] == [
        "| now | 1 Steps | A | 0 | 1.0 | **nothing** |",
        "| gpu | 1 Power | A | 0 | 1.0 | needs a card |",
        "| now | 1 Steps | A | 1 | 1.0 |  |",
    ]
