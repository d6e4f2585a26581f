"""The README's tables, drawn from the code; ``.venv/bin/python -m tests.readme_tables --write`` puts them in.

Each stands between ``<!-- name -->`` and ``<!-- /name -->``.
"""

import argparse
import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from services.api.metrics import METRICS as API_METRICS
from services.cli.__main__ import command_parser
from services.cli.compose_settings import COMPOSE_SETTINGS
from services.cli.environment import LAUNCHER_SETTINGS
from services.worker.diagnosis.checks import checks_table
from services.worker.failures import FailureCode
from services.worker.metrics import METRICS as WORKER_METRICS
from shared.errors import refusals
from shared.settings import Settings

README = Path(__file__).resolve().parent.parent / "README.md"


def commands() -> str:
    parser = command_parser()
    rows = [
        (f"`./tunedock {command.dest}`", command.help or "")
        for action in parser._actions
        if isinstance(action, argparse._SubParsersAction)
        for command in action._choices_actions
    ]
    return _table(("command", "does"), rows)


def settings() -> str:
    rows = [*Settings.settings_table(), *LAUNCHER_SETTINGS, *COMPOSE_SETTINGS]
    return _table(
        ("variable", "default", "meaning"),
        [(_code(name), _default(value), text) for name, value, text in rows],
    )


def refusal_codes() -> str:
    rows = sorted({(str(refusal.status), _code(refusal.code), refusal.meaning) for refusal in refusals()})
    return _table(("status", "code", "meaning"), rows)


def failure_codes() -> str:
    return _table(("code", "meaning"), [(_code(code.value), code.meaning) for code in FailureCode])


def api_metrics() -> str:
    return _metrics((metric.name, metric.type, metric.labels, metric.help) for metric in API_METRICS)


def worker_metrics() -> str:
    return _metrics(WORKER_METRICS)


def checks() -> str:
    rows = [(_code(check), severity, finds) for check, severity, finds in checks_table()]
    return _table(("id", "severity", "what it finds"), rows)


TABLES: dict[str, Callable[[], str]] = {
    "commands": commands,
    "settings": settings,
    "refusals": refusal_codes,
    "failures": failure_codes,
    "api metrics": api_metrics,
    "worker metrics": worker_metrics,
    "checks": checks,
}


def place_of(name: str) -> re.Pattern[str]:
    """Matches a table with its two markers; the group is the table."""
    return re.compile(rf"<!-- {name} -->\n(.*?)<!-- /{name} -->", re.DOTALL)


def written(readme: str) -> str:
    """`readme` with every table as the code has it now."""
    for name, table in TABLES.items():
        if found := place_of(name).search(readme):
            readme = readme[: found.start(1)] + table() + readme[found.end(1) :]
    return readme


def _metrics(metrics: Iterable[tuple[str, str, tuple[str, ...], str]]) -> str:
    rows = [(_code(name), kind, ", ".join(labels), text) for name, kind, labels, text in metrics]
    return _table(("name", "type", "labels", "meaning"), rows)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines)


def _code(text: str) -> str:
    return f"`{text}`"


def _default(value: str) -> str:
    return value if value == "unset" else _code(value)


if __name__ == "__main__":
    before = README.read_text(encoding="utf-8")
    after = written(before)
    if "--write" in sys.argv[1:]:
        README.write_text(after, encoding="utf-8")
    elif after != before:
        sys.exit("README.md's tables differ from the code: python -m tests.readme_tables --write")
