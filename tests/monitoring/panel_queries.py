"""Asks a Prometheus what every panel asks, as Grafana would: how many series come, in how many milliseconds.

``python -m tests.monitoring.panel_queries URL [--range 24h] [--points 1440] [--repeats 3]``
"""

import argparse
import json
import math
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tests.monitoring.dashboards import Query, queries

SCRAPE_SECONDS = 5  # `timeInterval` of the data source
_ANY = ".+"  # what "All" of a variable stands for


@dataclass(frozen=True)
class Answer:
    """What Prometheus said to one query. `series` counts those with a value that is a number."""

    query: Query
    series: int
    milliseconds: float
    error: str | None = None

    @property
    def is_missing(self) -> bool:
        """No series where there should be some."""
        return bool(self.error) or not (self.series or self.query.excuse)


def step_of(query: Query, range_seconds: int, points: int) -> int:
    """Grafana's `$__interval`: a point a pixel, no finer than the scrapes or the panel's own least step."""
    return max(range_seconds // points, query.least_step_seconds, SCRAPE_SECONDS)


def substitute(query: Query, *, range_seconds: int, step_seconds: int) -> str:
    """The expression with Grafana's variables filled in."""
    scrape = query.least_step_seconds or SCRAPE_SECONDS
    rate_interval = max(step_seconds + scrape, 4 * scrape)
    return (
        query.expr.replace("$__rate_interval", f"{rate_interval}s")
        .replace("$__range", f"{range_seconds}s")
        .replace("$__interval", f"{step_seconds}s")
        .replace("$gpu", _ANY)
    )


def ask(
    url: str, query: Query, *, range_seconds: int = 900, points: int = 1000, end: float | None = None
) -> Answer:
    """Ask the Prometheus at `url`. `end`: Unix seconds, now if not given."""
    end = time.time() if end is None else end
    step = step_of(query, range_seconds, points)
    form = {"query": substitute(query, range_seconds=range_seconds, step_seconds=step)}
    if query.instant:
        form["time"] = f"{end:.3f}"
    else:
        form |= {"start": f"{end - range_seconds:.3f}", "end": f"{end:.3f}", "step": str(step)}
    address = f"{url.rstrip('/')}/api/v1/{'query' if query.instant else 'query_range'}"
    started = time.perf_counter()
    try:
        with urllib.request.urlopen(address, urllib.parse.urlencode(form).encode(), timeout=60) as response:
            body = response.read()
    except urllib.error.HTTPError as error:
        with error:
            return Answer(query, 0, _milliseconds_since(started), error.read().decode(errors="replace"))
    milliseconds = _milliseconds_since(started)
    return Answer(query, _numbered_series(json.loads(body)["data"]["result"]), milliseconds)


def ask_all(
    url: str, *, range_seconds: int = 900, points: int = 1000, end: float | None = None, repeats: int = 1
) -> list[Answer]:
    """Every query of every panel, one after another; with `repeats` the slowest of its answers."""
    found = []
    for query in queries():
        answers = [
            ask(url, query, range_seconds=range_seconds, points=points, end=end) for _ in range(repeats)
        ]
        found.append(max(answers, key=lambda answer: answer.milliseconds))
    return found


def table(answers: Iterable[Answer]) -> str:
    """Markdown, one row a query."""
    rows = ["| dashboard | panel | query | series | ms | |", "| --- | --- | --- | ---: | ---: | --- |"]
    for answer in answers:
        query = answer.query
        rows.append(
            f"| {query.dashboard} | {query.panel_id} {query.title} | {query.ref} "
            f"| {answer.series} | {answer.milliseconds:.1f} | {_remark(answer)} |"
        )
    return "\n".join(rows)


def _remark(answer: Answer) -> str:
    if answer.error:
        return answer.error
    if answer.is_missing:
        return "**nothing**"
    return "" if answer.series else (answer.query.excuse or "").removesuffix(".").lower()


def _milliseconds_since(started: float) -> float:
    return (time.perf_counter() - started) * 1000


def _numbered_series(result: list[dict[str, Any]]) -> int:
    samples = [[row["value"]] if "value" in row else row["values"] for row in result]
    return sum(any(math.isfinite(float(value)) for _, value in series) for series in samples)


def main() -> int:
    parser = argparse.ArgumentParser(prog="panel_queries", description=__doc__)
    parser.add_argument("url", help="address of a Prometheus, http://127.0.0.1:9090 say")
    parser.add_argument("--range", type=_duration_seconds, default=900, help="time shown: 900, 15m, 24h")
    parser.add_argument("--points", type=int, default=1000, help="width of a panel in pixels")
    parser.add_argument("--end", type=float, help="end of the time shown, Unix seconds; now if not given")
    parser.add_argument("--repeats", type=int, default=1, help="times each query is asked")
    options = parser.parse_args()
    answers = ask_all(
        options.url,
        range_seconds=options.range,
        points=options.points,
        end=options.end,
        repeats=options.repeats,
    )
    print(table(answers))
    return 1 if any(answer.is_missing for answer in answers) else 0


def _duration_seconds(text: str) -> int:
    factor = {"s": 1, "m": 60, "h": 3600, "d": 86400}.get(text[-1:])
    return int(text[:-1]) * factor if factor else int(text)


if __name__ == "__main__":
    sys.exit(main())
