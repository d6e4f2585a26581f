"""Which metrics there are, and which ones an expression reads."""

from typing import Any

import yaml  # type: ignore[import-untyped, unused-ignore]

from services.api.metrics import METRICS as API_METRICS
from services.worker.metrics import METRICS as WORKER_METRICS
from tests.monitoring.promtool import PROMETHEUS

# Prometheus's own.
BUILT_IN = {
    "up": {"job", "instance"},
    "scrape_duration_seconds": {"job", "instance"},
    "ALERTS": {"alertname", "alertstate", "severity"},
    "ALERTS_FOR_STATE": {"alertname", "severity"},
}


def exported() -> dict[str, set[str]]:
    """Series of the API and the worker, a histogram's three among them, and their labels."""
    found: dict[str, set[str]] = {}
    described: list[tuple[str, str, tuple[str, ...]]] = [
        *((metric.name, metric.type, metric.labels) for metric in API_METRICS),
        *((name, form, labels) for name, form, labels, _ in WORKER_METRICS),
    ]
    for name, form, labels in described:
        known = {*labels, "job", "instance"}
        if form == "histogram":
            found |= {f"{name}_sum": known, f"{name}_count": known, f"{name}_bucket": {*known, "le"}}
        else:
            found[name] = known
    return found


def rules(kind: str) -> list[dict[str, Any]]:
    """`kind`: "record" or "alert"."""
    files = sorted((PROMETHEUS / "rules").glob("*.yml"))
    groups = [group for file in files for group in yaml.safe_load(file.read_text())["groups"]]
    return [rule for group in groups for rule in group["rules"] if kind in rule]


def recorded() -> dict[str, set[str]]:
    """Recorded series and the labels that their names' first part says are left."""
    return {rule["record"]: set(rule["record"].split(":")[0].split("_")) for rule in rules("record")}


def known_series() -> dict[str, set[str]]:
    return exported() | recorded() | BUILT_IN


def selectors(expr: str) -> list[tuple[str, set[str]]]:
    """The series an expression reads, each with the labels it asks for. Raises ValueError if no PromQL."""
    found = [node for node in _nodes(expr) if type(node).__name__ == "VectorSelector"]
    return [(node.name or "", {matcher.name for matcher in node.matchers.matchers}) for node in found]


def grouping_labels(expr: str) -> set[str]:
    """The labels of every `by (…)` in it."""
    groups = [node.modifier for node in _nodes(expr) if type(node).__name__ == "AggregateExpr"]
    return {label for group in groups if group for label in group.labels}


def _nodes(expr: str) -> list[Any]:
    """The parts of an expression. Raises ValueError if it is no PromQL."""
    import promql_parser  # type: ignore[import-not-found, unused-ignore]

    found: list[Any] = []
    promql_parser.walk(
        promql_parser.parse(expr), lambda node: found.append(getattr(node, "vector_selector", node))
    )
    return found
