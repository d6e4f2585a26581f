"""Panels, rules and alerts read only what the code exports, by labels that it has; all of it is PromQL."""

import importlib.util
import re
from collections.abc import Callable

import pytest

from shared.settings import Settings
from tests.monitoring.dashboards import dashboards, panels, queries
from tests.monitoring.metric_names import exported, grouping_labels, known_series, rules, selectors
from tests.monitoring.panel_queries import substitute
from tests.monitoring.promtool import PROMETHEUS

EXPRESSIONS = {
    **{query.name: substitute(query, range_seconds=900, step_seconds=15) for query in queries()},
    **{rule["record"]: rule["expr"] for rule in rules("record")},
    **{rule["alert"]: rule["expr"] for rule in rules("alert")},
}
MADE_BY_LABEL_REPLACE = re.compile(r"""label_replace\(.*?['"](\w+)['"]\s*,""", re.DOTALL)


@pytest.fixture(autouse=True)
def _parser(need: Callable[[bool, str], None]) -> None:
    need(importlib.util.find_spec("promql_parser") is not None, "promql-parser")


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_an_expression_reads_only_series_there_are_by_labels_they_have(name: str) -> None:
    read, known = selectors(EXPRESSIONS[name]), known_series()
    assert read, "an expression without any series shows nothing"
    for series, labels in read:
        assert series in known
        assert labels <= known[series], f"{series} has no such label"


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_an_expression_groups_by_labels_there_are(name: str) -> None:
    assert grouping_labels(EXPRESSIONS[name]) <= _labels(EXPRESSIONS[name])


def test_a_legend_names_labels_there_are() -> None:
    for board in dashboards().values():
        for panel in panels(board):
            for target in panel["targets"]:
                wanted = set(re.findall(r"\{\{(\w+)\}\}", target.get("legendFormat", "")))
                expr = re.sub(r"\$__\w+", "5m", target["expr"])
                grouped = grouping_labels(expr)
                assert wanted <= (grouped or _labels(expr)) | set(MADE_BY_LABEL_REPLACE.findall(expr))


def test_every_recorded_series_is_read_by_a_panel_or_a_rule() -> None:
    read = {series for expr in EXPRESSIONS.values() for series, _ in selectors(expr)}
    assert {rule["record"] for rule in rules("record")} <= read


def test_every_exported_metric_is_shown() -> None:
    read = {series for query in queries() for series, _ in selectors(EXPRESSIONS[query.name])}
    read |= {series for rule in rules("record") for series, _ in selectors(rule["expr"])}
    shown = {re.sub(r"_(sum|count|bucket)$", "", series) for series in read}
    assert {re.sub(r"_(sum|count|bucket)$", "", series) for series in exported()} <= shown


def test_settings_that_an_alert_names_exist() -> None:
    text = (PROMETHEUS / "rules" / "alerts.yml").read_text()
    known = {name for name, *_ in Settings.settings_table()}
    assert set(re.findall(r"TUNEDOCK_[A-Z_]+", text)) <= known


def _labels(expr: str) -> set[str]:
    known = known_series()
    return {label for series, _ in selectors(expr) for label in known[series]} | set(
        MADE_BY_LABEL_REPLACE.findall(expr)
    )
