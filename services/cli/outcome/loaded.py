"""What a diagnosis or a preparation came to: the report's own text, and how to have it with pictures."""

from typing import Any

from services.cli.outcome.lines import next_steps, pairs
from services.cli.outcome.place import Place
from shared.schemas import JobRecord
from shared.units import duration, size


def diagnosed_text(record: JobRecord, result: dict[str, Any], place: Place) -> str:
    steps = [("The same with pictures, as one file to open or pass on:", place.page_command(record.id))]
    return "\n".join([str(result.get("text", "")).rstrip(), *next_steps(steps)])


def prepared_text(record: JobRecord, result: dict[str, Any], place: Place) -> str:
    load = result.get("load") or {}
    lines = [
        f"{result.get('model')} is prepared.",
        *pairs([
            ("copy", _copy(result)),
            ("pickles", "converted to safetensors" if result.get("converted") else ""),
            ("cold load", _load(load)),
        ]),
        "",
    ]  # fmt: skip
    return "\n".join(lines) + "\n" + diagnosed_text(record, result, place)


def _copy(result: dict[str, Any]) -> str:
    if not result.get("artifact"):
        return "none: its weights are 4 bits already"
    text = f"{size(result.get('source_bytes') or 0)} became {size(result.get('artifact_bytes') or 0)}"
    saved = result.get("save_seconds")
    return text + (f", written in {duration(saved)}" if saved else ", which was there already")


def _load(load: dict[str, Any]) -> str:
    before, after, limit = (load.get(f"{name}_seconds") for name in ("before", "after", "limit"))
    if after is None:
        return ""
    text = f"{duration(before)} → {duration(after)}" if before is not None else duration(after)
    return text + (f"; the disk's limit is {duration(limit)}" if limit is not None else "")
