"""Dashboards: no panel lies over another, and each tells what it shows, in what unit, and when to worry."""

import json
import re
from itertools import combinations
from typing import Any, get_args

import pytest

from services.cli.__main__ import command_parser
from services.worker.metrics import PHASES, STEP_PHASES
from shared.messages.message import say
from shared.messages.render import told
from shared.reports.model_files import ModelSource
from tests.monitoring.dashboards import EMPTY_UNTIL_PREPARED, NEEDS_A_CARD, ROOT, dashboards, panels, queries
from tests.monitoring.metric_names import rules

BOARDS = dashboards()
PANELS = [
    pytest.param(panel, id=f"{name}-{panel['id']}")
    for name, board in BOARDS.items()
    for panel in panels(board)
]
# All that Grafana is asked for; an unknown unit would show as plain text behind the number.
UNITS = {
    "none", "s", "dthms", "percentunit", "bytes", "Bps", "hertz", "watt", "reqps", "sci", "dateTimeFromNow",
    "suffix: s/it", "suffix: tokens/s",
}  # fmt: skip
# Series that only a card can fill; on a processor these panels say so instead.
CARD_PANELS = {"gpu": {2, 3, 4, 7, 10, 11}, "training": {21, 22}}


def test_there_is_a_dashboard_for_each_question() -> None:
    assert {name: board["uid"] for name, board in BOARDS.items()} == {
        "now": "tunedock-now",
        "training": "tunedock-training",
        "loading": "tunedock-loading",
        "gpu": "tunedock-gpu",
        "service": "tunedock-service",
    }


def test_the_page_of_containers_names_every_dashboard() -> None:
    page = (ROOT / "docs" / "containers.md").read_text(encoding="utf-8")
    for board in BOARDS.values():
        assert f"| {board['title'].removeprefix('Tunedock: ')} | " in page, board["title"]


@pytest.mark.parametrize("name", BOARDS)
def test_a_link_to_a_dashboard_leads_to_one_there_is(name: str) -> None:
    linked = set(re.findall(r'"url": "/d/([\w-]+)"', json.dumps(BOARDS[name])))
    assert linked <= {board["uid"] for board in BOARDS.values()}


@pytest.mark.parametrize("name", BOARDS)
def test_no_two_panels_have_one_id_or_one_place(name: str) -> None:
    every = BOARDS[name]["panels"]
    assert len({panel["id"] for panel in every}) == len(every)
    assert [(one["id"], other["id"]) for one, other in combinations(every, 2) if _overlap(one, other)] == []


@pytest.mark.parametrize("name", BOARDS)
def test_the_panels_leave_no_hole(name: str) -> None:
    places = [panel["gridPos"] for panel in BOARDS[name]["panels"]]
    assert all(place["x"] >= 0 and place["x"] + place["w"] <= 24 for place in places)
    height = max(place["y"] + place["h"] for place in places)
    assert sum(place["w"] * place["h"] for place in places) == 24 * height


@pytest.mark.parametrize("panel", PANELS)
def test_a_panel_says_what_it_shows(panel: dict[str, Any]) -> None:
    defaults = panel["fieldConfig"]["defaults"]
    assert panel["title"]
    assert re.fullmatch(r"[A-Z0-9a-z].{20,}\.", panel["description"]), "a description is whole sentences"
    assert defaults["unit"] in UNITS
    steps = defaults["thresholds"]["steps"]
    assert [step["value"] for step in steps] == sorted(
        (step["value"] for step in steps), key=lambda value: float("-inf") if value is None else value
    )
    assert steps[0]["value"] is None


@pytest.mark.parametrize("panel", PANELS)
def test_a_panel_s_series_have_names(panel: dict[str, Any]) -> None:
    for target in panel["targets"]:
        assert target.get("legendFormat") or target.get("format") == "table"
    assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"])


@pytest.mark.parametrize("panel", PANELS)
def test_a_panel_that_shows_the_present_asks_for_the_present(panel: dict[str, Any]) -> None:
    shows_the_present = panel["type"] in ("stat", "bargauge", "barchart", "table")
    assert {target.get("instant", False) for target in panel["targets"]} == {shows_the_present}


@pytest.mark.parametrize("name", BOARDS)
def test_a_dashboard_leads_to_no_address_of_the_api(name: str) -> None:
    """Grafana knows neither its port nor its host, and without the key it answers 401."""
    board = BOARDS[name]
    assert [link["type"] for link in board["links"]] == ["dashboards"]
    assert "127.0.0.1" not in json.dumps(board)
    assert "/v1/" not in json.dumps(board)


@pytest.mark.parametrize("name", BOARDS)
def test_the_commands_that_a_dashboard_names_are_ones_there_are(name: str) -> None:
    texts = [panel["options"]["content"] for panel in BOARDS[name]["panels"] if panel["type"] == "text"]
    assert texts or name == "gpu"
    for text in texts:
        assert "without containers" in text
        commands = re.findall(r"`docker compose exec api tunedock ([^`]+)`", text)
        assert commands
        for command in commands:
            command_parser().parse_args(command.split())


def test_the_training_dashboard_names_the_parts_of_the_report_in_its_own_words() -> None:
    (text,) = [panel for panel in BOARDS["training"]["panels"] if panel["type"] == "text"]
    named = set(re.findall(r"\*([A-Z][^*]+)\*", text["options"]["content"]))
    assert named == {
        told(say("where-a-step-goes-title")),
        told(say("tokens-real-and-computed-title")),
        told(say("savings-title")),
        told(say("what-each-factor-costs-title")),
    }


@pytest.mark.parametrize("panel", PANELS)
def test_a_stacked_area_has_no_outline(panel: dict[str, Any]) -> None:
    """Where the uppermost series is empty, the whole height would be drawn in its colour."""
    custom = panel["fieldConfig"]["defaults"].get("custom", {})
    if custom.get("stacking", {}).get("mode", "none") != "none":
        assert custom["lineWidth"] == 0


@pytest.mark.parametrize("panel", PANELS)
def test_no_line_is_drawn_over_time_in_which_there_was_nothing(panel: dict[str, Any]) -> None:
    assert not panel["fieldConfig"]["defaults"].get("custom", {}).get("spanNulls")


def test_every_source_of_a_load_has_a_colour_of_its_own_and_the_same_everywhere() -> None:
    shown = [
        panel
        for panel in panels(BOARDS["loading"])
        if panel["type"] == "timeseries" and panel["targets"][0]["legendFormat"] == "{{source}}"
    ]
    assert len(shown) == 3
    for panel in shown:
        colours = {
            name: colour for name, colour in _colours(panel).items() if not name.startswith("limit of")
        }
        assert colours.keys() == {*get_args(ModelSource), "artifact", "resident"}
        assert len(set(colours.values())) == len(colours)
        assert colours == {name: _colours(shown[0])[name] for name in colours}
        assert all(colours[name.removeprefix("limit of ")] == c for name, c in _colours(panel).items())


def test_every_kind_of_memory_has_a_colour_of_its_own_and_the_same_everywhere() -> None:
    shown = [
        _colours(panel, matcher="byRegexp")
        for name in ("now", "gpu", "training")
        for panel in panels(BOARDS[name])
        if panel["targets"][0]["legendFormat"] == "{{gpu}} {{type}}"
    ]
    assert len(shown) == 3
    every = {kind: colour for colours in shown for kind, colour in colours.items()}
    assert all(every[kind] == colour for colours in shown for kind, colour in colours.items())
    assert len(set(every.values())) == len(every)
    kinds = ("used", "allocated", "reserved", "peak", "spilled", "total")
    assert every.keys() == {f".* {kind}" for kind in kinds}


def test_shares_of_time_add_up_to_all_of_it() -> None:
    """Not to 120 %: a counter that leaps by a step of many seconds is no share of a scrape's five."""
    for board, title in (("now", "Where a step's time goes"), ("training", "Share of each phase")):
        (panel,) = (panel for panel in panels(BOARDS[board]) if panel["title"] == title)
        phases, total = panel["targets"][0]["expr"].split(" / on() group_left () ")
        assert total == f"({phases.replace(' by (phase) ', '')} > 0)"
        assert panel["fieldConfig"]["defaults"]["max"] == 1


def test_only_a_load_that_takes_long_is_called_slow() -> None:
    (panel,) = (panel for panel in panels(BOARDS["loading"]) if panel["title"] == "Achieved of the limit")
    (target,) = panel["targets"]
    (named,) = re.findall(r"< 10, 'length', '([^']+)'", target["expr"])
    (override,) = panel["fieldConfig"]["overrides"]
    pattern = override["matcher"]["options"]
    assert re.fullmatch(pattern, f"artifact{named}")
    assert not re.fullmatch(pattern, "artifact")
    assert target["legendFormat"] == "{{source}}{{length}}"
    assert override["properties"][0]["value"]["fixedColor"] == "blue"


@pytest.mark.parametrize("name", BOARDS)
def test_every_variable_of_an_expression_is_known(name: str) -> None:
    known = {variable["name"] for variable in BOARDS[name]["templating"]["list"]}
    known |= {"__rate_interval", "__range", "__interval"}
    used = {
        word for panel in panels(BOARDS[name]) for word in re.findall(r"\$\{?(\w+)", str(panel["targets"]))
    }
    assert used <= known


def test_panels_that_only_a_card_can_fill_are_marked() -> None:
    marked = {
        name: {panel["id"] for panel in panels(board) if _needs_card(panel)} for name, board in BOARDS.items()
    }
    assert {name: ids for name, ids in marked.items() if ids} == CARD_PANELS


def test_panels_that_only_a_preparation_can_fill_are_marked() -> None:
    for query in queries():
        foretold = "tunedock_prediction_error_ratio" in query.expr
        assert foretold == (query.excuse == EMPTY_UNTIL_PREPARED), query.name


def test_a_storage_s_rate_is_judged_as_the_alert_judges_it() -> None:
    (alert,) = (rule for rule in rules("alert") if rule["alert"] == "TunedockSlowStorage")
    assert "< 250e6\n" in alert["expr"]
    shown = [panel for board in BOARDS.values() for panel in panels(board) if _shows_a_read_rate(panel)]
    assert shown
    for panel in shown:
        steps = panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
        assert [step["color"] for step in steps if step["value"] == 250e6] == ["green"]
        assert all(step["color"] in ("red", "orange") for step in steps if (step["value"] or 0) < 250e6)


def test_every_phase_of_a_step_has_one_colour_wherever_phases_are_stacked() -> None:
    shown = [
        panel
        for name in ("training", "now")
        for panel in panels(BOARDS[name])
        if "sum by (phase)" in (expr := panel["targets"][0]["expr"]) and "train_phase" in expr
    ]
    assert len(shown) == 4
    colours = [_colours(panel) for panel in shown]
    assert colours[0].keys() == {*PHASES, "rest"}
    assert colours == [colours[0]] * 4
    assert len(set(colours[0].values())) == len(colours[0])


def test_what_is_between_steps_is_no_part_of_them() -> None:
    between = "|".join(sorted(set(PHASES) - set(STEP_PHASES)))
    rests = [query.expr for query in queries() if "'phase', 'rest'" in query.expr]
    assert len(rests) == 2
    assert all(f"{{phase!~'{between}'}}" in expr for expr in rests)


def test_a_step_s_drift_and_stall_are_judged_as_the_alerts_judge_them() -> None:
    alerts = {rule["alert"]: rule["expr"] for rule in rules("alert")}
    assert "> 1.3 * " in alerts["TunedockStepDrift"]
    assert "> 600\n" in alerts["TunedockStepStalled"]
    reds = {
        panel["title"]: [step["value"] for step in _steps(panel) if step["color"] == "red"]
        for panel in panels(BOARDS["training"])
    }
    assert reds["Against its first steps"] == [1.3]
    assert reds["Last step ended"] == [600]


def test_a_marked_panel_reads_nothing_that_a_processor_has() -> None:
    only_card = re.compile(r"tunedock_gpu_(power_watts|throttled)|tunedock_gpu_memory_bytes\{type='spilled'")
    for query in queries():
        assert bool(only_card.search(query.expr)) == (query.excuse == NEEDS_A_CARD), query.name


def _shows_a_read_rate(panel: dict[str, Any]) -> bool:
    return any("storage_read_bytes_per_second" in target["expr"] for target in panel["targets"])


def _steps(panel: dict[str, Any]) -> list[dict[str, Any]]:
    return list(panel["fieldConfig"]["defaults"]["thresholds"]["steps"])


def _colours(panel: dict[str, Any], matcher: str = "byName") -> dict[str, str]:
    """Of the series that have one of their own, by name."""
    return {
        override["matcher"]["options"]: override["properties"][0]["value"]["fixedColor"]
        for override in panel["fieldConfig"]["overrides"]
        if override["matcher"]["id"] == matcher
    }


def _needs_card(panel: dict[str, Any]) -> bool:
    return bool(panel["description"].endswith(NEEDS_A_CARD))


def _overlap(one: dict[str, Any], other: dict[str, Any]) -> bool:
    a, b = one["gridPos"], other["gridPos"]
    beside = a["x"] + a["w"] <= b["x"] or b["x"] + b["w"] <= a["x"]
    above = a["y"] + a["h"] <= b["y"] or b["y"] + b["h"] <= a["y"]
    return not (beside or above)
