"""What a diagnosis or a preparation came to: the report's own text, and how to have it with pictures."""

from typing import Any

from services.cli.outcome.lines import next_steps, pairs
from services.cli.outcome.place import Place
from shared.reports.preparation import Preparation, PreparedLoad
from shared.reports.stored import read_stored
from shared.schemas import JobRecord
from shared.units import duration, size


def diagnosed_text(record: JobRecord, result: dict[str, Any], place: Place) -> str:
    steps = [("The same with pictures, as one file to open or pass on:", place.page_command(record.id))]
    return "\n".join([str(result.get("text", "")).rstrip(), *next_steps(steps)])


def prepared_text(record: JobRecord, result: dict[str, Any], place: Place) -> str:
    prepared = read_stored(Preparation, result)
    lines = [
        f"{prepared.model} is prepared.",
        *pairs([
            ("copy", _copy(prepared)),
            ("pickles", "converted to safetensors" if prepared.converted else ""),
            ("cold load", _load(prepared.load)),
        ]),
        "",
    ]  # fmt: skip
    return "\n".join(lines) + "\n" + diagnosed_text(record, result, place)


def _copy(prepared: Preparation) -> str:
    if not prepared.artifact:
        return "none: its weights are 4 bits already"
    text = f"{size(prepared.source_bytes)} became {size(prepared.artifact_bytes or 0)}"
    saved = prepared.save_seconds
    return text + (f", written in {duration(saved)}" if saved else ", which was there already")


def _load(load: PreparedLoad) -> str:
    before, after, limit = load.before_seconds, load.after_seconds, load.limit_seconds
    if after is None:
        return ""
    text = f"{duration(before)} → {duration(after)}" if before is not None else duration(after)
    return text + (f"; the disk's limit is {duration(limit)}" if limit is not None else "")
