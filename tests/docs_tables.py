"""The tables of docs/, drawn from the code; ``.venv/bin/python -m tests.docs_tables --write`` puts them in.

Each lies in one file, between ``<!-- name -->`` and ``<!-- /name -->``.
"""

import argparse
import json
import re
import sys
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

from pydantic import BaseModel

from services.api.desk.routes import PAGES
from services.api.metrics import METRICS as API_METRICS
from services.api.routes import ROUTES
from services.cli.__main__ import command_parser
from services.cli.compose_settings import COMPOSE_SETTINGS
from services.cli.environment import LAUNCHER_SETTINGS
from services.cli.explain.tunedock_probe import FIELDS
from services.worker.diagnosis.checks import checks_table
from services.worker.explaining.checks import checks_table as training_checks_table
from services.worker.failures import FailureCode
from services.worker.metrics import METRICS as WORKER_METRICS
from shared.errors import refusals
from shared.jobs import TRANSITIONS
from shared.messages.render import in_english, shown
from shared.settings import Settings
from shared.training_settings.settings import TrainingSettings

DOCS = Path(__file__).resolve().parent.parent / "docs"


def commands() -> str:
    parser = command_parser()
    rows = [
        (f"`./tunedock {command.dest}`", shown(command.help or ""))
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


def training_settings() -> str:
    rows = [
        (_code(name), _code(json.dumps(field.get_default(), default=_as_given)), field.description or "")
        for name, field in TrainingSettings.model_fields.items()
    ]
    return _table(("setting", "default", "meaning"), rows)


def _as_given(value: BaseModel) -> dict[str, object]:
    return {name: part for name, part in value.model_dump(mode="json").items() if part is not None}


def refusal_codes() -> str:
    rows = sorted(
        {(str(refusal.status), _code(refusal.code), in_english(refusal.meaning)) for refusal in refusals()}
    )
    return _table(("status", "code", "meaning"), rows)


def failure_codes() -> str:
    return _table(("code", "meaning"), [(_code(code.value), code.meaning) for code in FailureCode])


def api_metrics() -> str:
    return _metrics((metric.name, metric.type, metric.labels, metric.help) for metric in API_METRICS)


def worker_metrics() -> str:
    return _metrics(WORKER_METRICS)


def checks() -> str:
    return _checks(checks_table())


def training_checks() -> str:
    return _checks(training_checks_table())


def routes() -> str:
    rows = [(route.method.value, _code(_path(route.path)), route.summary) for route in ROUTES]
    return _table(("method", "page", "does"), rows)


def pages() -> str:
    rows = [(route.method.value, _code(_path(route.path)), route.does) for route in PAGES]
    return _table(("method", "page", "does"), rows)


def statuses() -> str:
    rows = [(_code(status), ", ".join(map(_code, following))) for status, following in TRANSITIONS.items()]
    return _table(("status", "may become"), rows)


def explain() -> str:
    return _table(("field", "meaning"), [(_code(field), meaning) for field, meaning in FIELDS.items()])


@cache
def families() -> str:
    from tests import families_table  # torch takes seconds to import, and only these tables need it

    head = (
        "family",
        "such as",
        "class in transformers",
        "fast layers",
        "LoRA",
        "chat template",
        "checked by",
    )
    return _table(head, families_table.families())


@cache
def other_families() -> str:
    from tests import families_table

    return _table(("class", "fast layers", "checked by"), families_table.others())


# Name of a table → the file of docs/ that it lies in, and what draws it.
TABLES: dict[str, tuple[str, Callable[[], str]]] = {
    "commands": ("commands.md", commands),
    "explain": ("explain.md", explain),
    "settings": ("settings.md", settings),
    "training settings": ("training.md", training_settings),
    "refusals": ("errors.md", refusal_codes),
    "failures": ("errors.md", failure_codes),
    "api metrics": ("metrics.md", api_metrics),
    "worker metrics": ("metrics.md", worker_metrics),
    "checks": ("checks.md", checks),
    "training checks": ("checks.md", training_checks),
    "routes": ("http.md", routes),
    "pages": ("page.md", pages),
    "families": ("families.md", families),
    "other families": ("families.md", other_families),
    "statuses": ("jobs.md", statuses),
}


def place_of(name: str) -> re.Pattern[str]:
    """Matches a table with its two markers; the group is the table."""
    return re.compile(rf"<!-- {name} -->\n(.*?)<!-- /{name} -->", re.DOTALL)


def written(text: str) -> str:
    """`text` with every table that is in it as the code has it now."""
    for name, (_, table) in TABLES.items():
        if found := place_of(name).search(text):
            text = text[: found.start(1)] + table() + text[found.end(1) :]
    return text


def _checks(found: Iterable[tuple[str, str, str]]) -> str:
    rows = [(_code(check), severity, finds) for check, severity, finds in found]
    return _table(("id", "severity", "what it finds"), rows)


def _metrics(metrics: Iterable[tuple[str, str, tuple[str, ...], str]]) -> str:
    rows = [(_code(name), kind, ", ".join(labels), text) for name, kind, labels, text in metrics]
    return _table(("name", "type", "labels", "meaning"), rows)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines)


def _path(rule: str) -> str:
    """A Flask rule as readers know it: `/v1/models/{model_id}`."""
    return re.sub(r"<(?:path:)?(\w+)>", r"{\1}", rule)


def _code(text: str) -> str:
    return f"`{text}`"


def _default(value: str) -> str:
    return value if value == "unset" else _code(value)


if __name__ == "__main__":
    files = sorted({DOCS / file for file, _ in TABLES.values()})
    texts = {file: file.read_text(encoding="utf-8") for file in files}
    outdated = [file for file in files if written(texts[file]) != texts[file]]
    if "--write" in sys.argv[1:]:
        for file in outdated:
            file.write_text(written(texts[file]), encoding="utf-8")
    elif outdated:
        names = ", ".join(f"docs/{file.name}" for file in outdated)
        sys.exit(f"tables of {names} differ from the code: python -m tests.docs_tables --write")
