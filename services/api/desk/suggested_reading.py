"""How else rows could be read, where their report says so: in the page's words, and for a button.

A finding's remedy names fields of a request, marked in its sentence (`shared.field_values`). On a page they
are the fields of a form.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from services.api.desk.settings_form import written_reading
from shared.field_values import NAME, reworded
from shared.messages.message import Message, say
from shared.messages.render import told
from shared.reports.data import DataFinding


@dataclass(frozen=True)
class SuggestedReading:
    """`written` is what the form's button sends."""

    words: str
    written: str


def on_page(said: str | Message) -> str:
    """The sentence with the fields of a request that it names in the words of the page."""
    return reworded(told(said), _words)


def suggested_readings(findings: Iterable[DataFinding]) -> tuple[SuggestedReading, ...]:
    """Those that leave nothing to choose, each once."""
    found: dict[str, str] = {}
    for finding in findings:
        if finding.remedy is None or finding.part != "training":
            continue
        for reading in _marked(told(finding.remedy)):
            if _is_whole(reading):
                found[written_reading(reading)] = _words(reading)
    return tuple(SuggestedReading(words, written) for written, words in found.items())


def _marked(sentence: str) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = []

    def seen(fields: Mapping[str, Any]) -> str:
        found.append(fields)
        return ""

    reworded(sentence, seen)
    return found


def _is_whole(reading: Mapping[str, Any]) -> bool:
    return reading.keys() <= {"format", "columns"} and NAME not in reading.get("columns", {}).values()


def _words(reading: Mapping[str, Any]) -> str:
    columns = [
        say("column-as-field-piece", field=field, column=say("any-column-piece") if name == NAME else name)
        for field, name in reading.get("columns", {}).items()
    ]
    rows = [say("as-format-piece", format=reading["format"])] if "format" in reading else []
    return told(say("reading-words", pieces=[*columns, *rows]))
