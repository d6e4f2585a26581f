"""The dashboards as they are in the repository: their panels, queries and markers."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
DASHBOARDS = ROOT / "services" / "grafana" / "dashboards"

# Sentences that end a panel's description: why its queries may answer with nothing.
NEEDS_A_CARD = "Needs a card."
EMPTY_WHEN_WELL = "Empty when all is well."
EMPTY_UNTIL_PREPARED = "Empty until a model was prepared."
EXCUSES = (NEEDS_A_CARD, EMPTY_WHEN_WELL, EMPTY_UNTIL_PREPARED)


@dataclass(frozen=True)
class Query:
    """One query of a panel, with Grafana's variables still in it.

    `instant`: asked for now, not over time. `excuse`: which of `EXCUSES` it has for an empty answer.
    """

    dashboard: str
    panel_id: int
    title: str
    ref: str
    expr: str
    instant: bool
    least_step_seconds: int
    excuse: str | None = None

    @property
    def name(self) -> str:
        return f"{self.dashboard}-{self.panel_id}-{self.ref}"


def dashboards(folder: Path = DASHBOARDS) -> dict[str, dict[str, Any]]:
    """By the name of the file."""
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))}


def panels(dashboard: dict[str, Any]) -> list[dict[str, Any]]:
    """Those that show something; a row is a heading, a text says how to learn more."""
    return [panel for panel in dashboard["panels"] if panel["type"] not in ("row", "text")]


def queries(folder: Path = DASHBOARDS) -> list[Query]:
    return [
        query
        for name, dashboard in dashboards(folder).items()
        for panel in panels(dashboard)
        for query in _queries_of(name, panel)
    ]


def _queries_of(dashboard: str, panel: dict[str, Any]) -> Iterator[Query]:
    for target in panel["targets"]:
        yield Query(
            dashboard=dashboard,
            panel_id=panel["id"],
            title=panel["title"],
            ref=target["refId"],
            expr=target["expr"],
            instant=target.get("instant", False),
            least_step_seconds=int(target.get("interval", "0s").removesuffix("s")),
            excuse=next((excuse for excuse in EXCUSES if panel["description"].endswith(excuse)), None),
        )
