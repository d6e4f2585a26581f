"""Which formats the weights come in."""

import shlex
from collections import Counter

from services.worker.diagnosis.checks.finding import Check
from shared.messages.message import Message, say
from shared.reports.finding import Finding, Remedy
from shared.reports.load_facts import LoadFacts
from shared.reports.model_files import HubModel


def find_pickle_only(facts: LoadFacts) -> Finding | None:
    opened = facts.checkpoint.opened
    pickles = [file for file in opened if file.format in ("pickle", "legacy pickle")]
    if not pickles:
        return None
    legacy = sum(file.format == "legacy pickle" for file in pickles)
    return Finding(
        id="pickle-only",
        severity="warning",
        title=say("pickle-only-title"),
        evidence=(
            say(
                "pickles-are",
                pickles=len(pickles),
                pickle_bytes=sum(file.bytes for file in pickles),
                first=pickles[0].name,
            ),
            say("pickles-cannot-be-mapped", legacy=legacy) if legacy else say("pickles-are-mapped"),
            *_hub_says(facts.hub),
        ),
        remedies=(
            Remedy(
                action=say("pickles-are-converted"),
                kind="convert_pickle",
            ),
            _safer_revision(facts),
        ),
    )


def _hub_says(hub: HubModel | None) -> tuple[Message, ...]:
    if hub is None:
        return ()
    counted = [f"{count:,} × {dtype}" for dtype, count in hub.dtype_parameters.items()]
    if hub.has_safetensors:
        return (say("hub-has-safetensors-of", dtypes=counted) if counted else say("hub-has-safetensors"),)
    if hub.conversion is not None:
        return (say("hub-bot-converted", revision=hub.conversion),)
    if hub.unknown is not None:
        return (say("hub-unknown", reason=hub.unknown),)
    return (say("hub-has-none"),)


def _safer_revision(facts: LoadFacts) -> Remedy:
    hub = facts.hub
    revision = ("main" if hub.has_safetensors else hub.conversion) if hub else None
    if revision is None:
        return Remedy(action=say("name-safe-revision"))
    command = ["./tunedock", "diagnose", facts.model, "--revision", revision]
    return Remedy(
        action=say("name-this-revision", revision=revision),
        command=shlex.join(command),
    )


def find_unused_formats(facts: LoadFacts) -> Finding | None:
    unused = [file for file in facts.checkpoint.files if not file.opened]
    if not unused or not facts.checkpoint.opened:
        return None
    by_format: Counter[str] = Counter()
    for file in unused:
        by_format[file.format] += file.bytes
    return Finding(
        id="unused-formats",
        severity="info",
        title=say("unused-formats-title", unused_bytes=sum(by_format.values())),
        evidence=(
            say("load-opens", files=[file.name for file in facts.checkpoint.opened[:5]]),
            say(
                "not-opened",
                formats=[
                    say("format-takes-piece", format=name, format_bytes=count)
                    for name, count in by_format.most_common()
                ],
            ),
            say("unused-take-space-only"),
        ),
        remedies=(Remedy(action=say("delete-unused-formats")),),
    )


CHECKS = (
    Check("pickle-only", "warning", "only `.bin` pickles, no safetensors", find_pickle_only),
    Check("unused-formats", "info", "weight files in formats that are never loaded", find_unused_formats),
)
