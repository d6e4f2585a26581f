"""What a cold load is made of adds up to the cold load, or says what is missing."""

from typing import Any

import pytest

from services.api.load_page.loads import against_limit, load_chart
from services.api.load_page.made_of import made_of
from shared.messages.message import say
from shared.messages.render import told
from shared.reports.load import LoadReport
from shared.reports.stored import read_stored
from tests.api.load_reports import run, slow_disk

COLD = run("cold", 0.64, 1.06, 0.19, 7.77, 0.0, 0.32, weight_bytes=538_000_000, limit=0.27, cached=0)
WARM = run("warm", 0.6, 0.1, 0.19, 7.2, 0.0, 0.35, weight_bytes=538_000_000, limit=None, cached=538_000_000)


def drawn(runs: list[dict[str, Any]], **summary: Any) -> LoadReport:
    parts = {"storage_seconds": None, "quantize_seconds": None, "fixed_seconds": None}
    report = slow_disk()
    report["summary"] |= parts | {"runs": runs} | summary
    return read_stored(LoadReport, report)


@pytest.mark.parametrize(
    "told",
    [
        {"storage_seconds": 0.91},
        {"storage_seconds": 0.91, "quantize_seconds": 7.0, "fixed_seconds": 1.7},
        {"storage_seconds": 1.47, "quantize_seconds": 7.02, "fixed_seconds": 2.5},
        {"storage_in_noise": True, "quantize_seconds": 7.0, "fixed_seconds": 1.7},
        {"fixed_seconds": 1.7},
    ],
)
def test_the_parts_add_up_to_the_cold_load_and_fill_the_bar(told: dict[str, Any]) -> None:
    found = made_of(drawn([COLD, WARM], **told))
    assert found is not None
    assert found.total_seconds == COLD["total_seconds"]
    assert sum(part.amount for part in found.parts) == pytest.approx(found.total_seconds, rel=0.01)
    assert sum(part.width for part in found.parts) == pytest.approx(100, rel=0.01)


def test_a_load_that_is_mostly_quantizing_is_no_bar_of_storage() -> None:
    found = made_of(drawn([COLD, WARM], storage_seconds=0.91))
    assert found is not None
    assert [(part.name, round(part.width)) for part in found.parts] == [
        ("storage", 9),
        ("not separated", 91),
    ]
    assert found.notes == (told(say("no-warm-copy-load")),)


def test_parts_of_noisy_runs_are_shrunk_and_it_is_said() -> None:
    found = made_of(drawn([COLD, WARM], storage_seconds=1.47, quantize_seconds=7.02, fixed_seconds=2.5))
    assert found is not None
    assert "sum to 1.01 s more than the cold load took" in found.notes[0]


@pytest.mark.parametrize("runs", [[WARM], [dict(COLD, name="as_found")]])
def test_without_a_cold_load_nothing_is_said_of_one(runs: list[dict[str, Any]]) -> None:
    assert made_of(drawn(runs, fixed_seconds=1.7)) is None


def test_without_any_difference_nothing_is_drawn() -> None:
    assert made_of(drawn([COLD])) is None


def test_a_bar_of_phases_is_as_long_as_the_load_it_stands_for() -> None:
    short = dict(COLD, total_seconds=12.0)
    (bar, _) = load_chart(drawn([short, WARM])).bars
    assert (bar.segments[-1].name, round(bar.segments[-1].amount, 2)) == ("not timed", 2.02)
    assert sum(segment.width for segment in bar.segments) == pytest.approx(100, abs=0.1)


def test_phases_that_overlap_are_told_as_such() -> None:
    (bar, _) = load_chart(drawn([dict(COLD, total_seconds=5.0), WARM])).bars
    assert bar.note.endswith("its phases overlap and sum to 10.0 s")


def test_a_load_below_the_limit_shows_that_the_limit_was_measured_too_low() -> None:
    assert against_limit(2.0, 1.0) == "2.00 times the limit"
    assert against_limit(0.9, 1.0).startswith("less than the limit: the storage reads faster than")
