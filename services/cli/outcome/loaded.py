"""What a diagnosis or a preparation came to: the report's own text, and how to have it with pictures."""

from typing import Any

from services.cli.outcome.lines import next_steps, pairs
from services.cli.outcome.place import Place
from shared.messages.message import Message, say
from shared.messages.render import shown
from shared.reports.preparation import Preparation, PreparedLoad
from shared.reports.stored import read_stored
from shared.schemas.records import JobRecord


def diagnosed_text(record: JobRecord, result: dict[str, Any], place: Place) -> str:
    steps = [(say("report-page-label"), place.page_command(record.id))]
    return "\n".join([str(result.get("text", "")).rstrip(), *next_steps(steps)])


def prepared_text(record: JobRecord, result: dict[str, Any], place: Place) -> str:
    prepared = read_stored(Preparation, result)
    lines = [
        shown(say("model-is-prepared", model=prepared.model)),
        *pairs([
            (say("copy-label"), _copy(prepared)),
            (say("pickles-label"), say("converted-label") if prepared.converted else ""),
            (say("cold-load-label"), _load(prepared.load)),
        ]),
        "",
    ]  # fmt: skip
    return "\n".join(lines) + "\n" + diagnosed_text(record, result, place)


def _copy(prepared: Preparation) -> Message:
    if not prepared.artifact:
        return say("no-copy-label")
    source, copy, saved = prepared.source_bytes, prepared.artifact_bytes or 0, prepared.save_seconds
    if not saved:
        return say("copy-was-there-label", source_bytes=source, copy_bytes=copy)
    return say("copy-written-label", source_bytes=source, copy_bytes=copy, write_seconds=saved)


def _load(load: PreparedLoad) -> Message | str:
    before, after, limit = load.before_seconds, load.after_seconds, load.limit_seconds
    if after is None:
        return ""
    told = say("load-now-label", after_seconds=after)
    if before is not None:
        told = say("load-faster-label", before_seconds=before, after_seconds=after)
    return told if limit is None else say("load-and-limit-label", load=told, limit_seconds=limit)
