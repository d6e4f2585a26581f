"""Which formats the weights come in."""

import shlex
from collections import Counter

from services.worker.diagnosis.checks.finding import Check
from shared.reports.finding import Finding, Remedy
from shared.reports.load_facts import LoadFacts
from shared.reports.model_files import HubModel
from shared.units import size


def find_pickle_only(facts: LoadFacts) -> Finding | None:
    opened = facts.checkpoint.opened
    pickles = [file for file in opened if file.format in ("pickle", "legacy pickle")]
    if not pickles:
        return None
    legacy = sum(file.format == "legacy pickle" for file in pickles)
    total = size(sum(file.bytes for file in pickles))
    reading = (
        f"{legacy} of them are older than torch 1.6 and can't be mapped: each is read whole and copied"
        if legacy
        else "they are zip files, which torch maps like safetensors: the format itself costs no reading time"
    )
    return Finding(
        id="pickle-only",
        severity="warning",
        title="The weights are pickles, and there is no safetensors copy",
        evidence=(
            f"{len(pickles)} pickle files, {total}, the first is {pickles[0].name}",
            reading,
            *_hub_says(facts.hub),
        ),
        remedies=(
            Remedy(
                action="nothing, for Tunedock: a process without network converts the pickles once, "
                "and later loads read the safetensors files",
                kind="convert_pickle",
            ),
            _safer_revision(facts),
        ),
    )


def _hub_says(hub: HubModel | None) -> tuple[str, ...]:
    if hub is None:
        return ()
    counted = ", ".join(f"{count:,} × {dtype}" for dtype, count in hub.dtype_parameters.items())
    if hub.has_safetensors:
        return ("the hub's main branch has safetensors" + (f" ({counted})" if counted else ""),)
    if hub.conversion is not None:
        return (f"the hub's own bot has converted these very pickles in {hub.conversion}",)
    if hub.unknown is not None:
        return (f"whether the hub has safetensors is unknown: {hub.unknown}",)
    return ("the hub has no safetensors of this model, neither on main nor converted by its bot",)


def _safer_revision(facts: LoadFacts) -> Remedy:
    hub = facts.hub
    revision = ("main" if hub.has_safetensors else hub.conversion) if hub else None
    if revision is None:
        return Remedy(action="for other programs: name a revision or a repository that has safetensors files")
    command = ["./tunedock", "diagnose", facts.model, "--revision", revision]
    return Remedy(
        action=f"name the revision {revision}, which has safetensors files, in jobs and in other programs",
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
        title=f"{size(sum(by_format.values()))} of weight files that no load opens",
        evidence=(
            "a load opens " + ", ".join(file.name for file in facts.checkpoint.opened[:5]),
            "not opened: " + ", ".join(f"{name} {size(count)}" for name, count in by_format.most_common()),
            "they take disk space but no loading time",
        ),
        remedies=(Remedy(action="delete them if no other program uses them"),),
    )


CHECKS = (
    Check("pickle-only", "warning", "only `.bin` pickles, no safetensors", find_pickle_only),
    Check("unused-formats", "info", "weight files in formats that no load opens", find_unused_formats),
)
