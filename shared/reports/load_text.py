"""A diagnosis as plain lines: what was measured, phases as bars, the limit, findings, what is unknown."""

from collections.abc import Iterator
from datetime import UTC, datetime

from shared.messages.message import Message, say
from shared.messages.render import told
from shared.reports.load import LoadReport, LoadSummary
from shared.reports.load_facts import LoadFacts, TrialLoad
from shared.reports.load_rows import (
    disk_with_read_ahead_row,
    limit_row,
    mount_words,
    parameters_row,
    run_label,
    weights_row,
)
from shared.reports.machine import Rate, ReadSpeed
from shared.reports.text import applied_lines, finding_lines, row

_BAR_WIDTH = 40
_NAMED_FILES = 5


def load_text(report: LoadReport) -> str:
    """The whole report in the reader's language, without colours."""
    day = datetime.fromtimestamp(report.measured_at or 0.0, UTC).strftime("%Y-%m-%d %H:%M UTC")
    lines = [
        told(say("how-model-loads-title", model=report.model, day=day)),
        "",
        *_measured_lines(report.facts),
        "",
        *_load_lines(report.facts, report.summary),
        "",
        *finding_lines(report.findings),
        *applied_lines(report.applied),
        *_unknown_lines(report.facts),
    ]
    return "\n".join(lines)


def _measured_lines(facts: LoadFacts) -> Iterator[str]:
    checkpoint, cache, storage = facts.checkpoint, facts.cache, facts.storage
    yield row(say("weights-label"), weights_row(facts))
    if checkpoint.dtype_parameters:
        yield row(say("parameters-label"), parameters_row(checkpoint.dtype_parameters))
    yield row(say("source-label"), say("source-row", source=checkpoint.source))
    yield row(say("folder-label"), checkpoint.folder)
    if facts.in_hub_cache:
        said = say("cache-row", folder=cache.folder, decided_by=cache.decided_by)
        yield row(say("cache-label"), said)
    yield row(
        say("storage-label"),
        say(
            "storage-row",
            path=storage.real_path,
            mount_point=storage.mount_point,
            mount=mount_words(storage),
            storage_class=storage.storage_class.replace(" ", "_"),
        ),
    )
    if (disk := disk_with_read_ahead_row(facts)) is not None:
        yield row(say("disk-label"), disk)
    if (usable := facts.memory.usable_bytes) is not None:
        total = facts.memory.total_bytes or 0
        yield row(say("memory-label"), say("memory-room-row", usable_bytes=usable, total_bytes=total))
    versions = [say("version-piece", name=name, version=version) for name, version in facts.versions.items()]
    yield row(say("versions-label"), say("versions-row", versions=versions))
    if facts.read_speed is not None:
        yield from _speed_lines(facts.read_speed)


def _speed_lines(speed: ReadSpeed) -> Iterator[str]:
    ways = (speed.direct, speed.buffered, speed.mapped, speed.warm)
    if (reason := speed.small.reason) and all(measured.reason == reason for measured in ways):
        yield row(say("reads-label"), say("unknown-row", reason=reason))
        return
    cold = say("cold-reads-row", direct=_rate(speed.direct), buffered=_rate(speed.buffered))
    yield row(say("cold-reads-label"), cold)
    yield row(None, say("mapped-reads-row", mapped=_rate(speed.mapped)))
    yield row(say("warm-reads-label"), _rate(speed.warm))
    yield row(say("small-reads-label"), _small_reads(speed))


def _small_reads(speed: ReadSpeed) -> Message:
    small = speed.small
    if small.median_seconds is None or small.p95_seconds is None:
        return say("unknown-row", reason=small.reason)
    return say("small-reads-row", median_seconds=small.median_seconds, p95_seconds=small.p95_seconds)


def _rate(measured: Rate) -> Message:
    if measured.bytes_per_second is None:
        return say("unknown-rate-piece", reason=measured.reason)
    return say("measured-rate-piece", measured_bytes_per_second=measured.bytes_per_second)


def _load_lines(facts: LoadFacts, summary: LoadSummary) -> Iterator[str]:
    trial = facts.trial
    if trial is None:
        failure = facts.trial_failure
        failed = say("load-failed-row", failure=failure.message) if failure else say("load-not-tried-row")
        yield row(say("load-label"), failed)
    else:
        yield row(say("load-label"), _load_title(trial, facts.checkpoint.folder))
        yield from phase_lines(trial)
    yield from _run_lines(summary)
    if summary.limit_seconds is not None and summary.limit_bytes_per_second is not None:
        yield row(say("limit-label"), limit_row(summary))
    if summary.achieved_ratio is not None:
        above = summary.achieved_ratio > 1.01
        said = say(
            "achieved-above-limit-row" if above else "achieved-row", achieved_ratio=summary.achieved_ratio
        )
        yield row(say("achieved-label"), said)
    if summary.shard_seconds is not None:
        said = say("shard-row", shard_seconds=summary.shard_seconds, shards=summary.shards)
        yield row(say("shard-label"), said)


def _run_lines(summary: LoadSummary) -> Iterator[str]:
    """All runs beneath each other where there are several, and what their differences tell."""
    if len(summary.runs) > 1:
        for number, run in enumerate(summary.runs):
            name, seconds = told(run_label(run.name)), f"{run.total_seconds:.2f}"
            values = say("run-row", seconds=seconds, weight_bytes=run.weight_bytes)
            if run.limit_seconds is not None:
                limit = f"{run.limit_seconds:.2f}"
                values = say(
                    "run-with-limit-row", seconds=seconds, weight_bytes=run.weight_bytes, limit=limit
                )
            align = " " * (9 - len(seconds))
            yield row(say("runs-label") if number == 0 else None, f"{name:<15}{align}{told(values)}")
    if summary.storage_in_noise:
        yield row(say("made-of-label"), say("storage-in-noise"))
    if parts := list(_parts(summary)):
        yield row(say("made-of-label"), _made_of(summary, parts))


def _parts(summary: LoadSummary) -> Iterator[Message]:
    if summary.storage_seconds is not None:
        yield say("storage-part-piece", part_seconds=summary.storage_seconds)
    if summary.quantize_seconds is not None:
        yield say("quantizing-part-piece", part_seconds=summary.quantize_seconds)
    if summary.fixed_seconds is not None:
        yield say("fixed-part-piece", part_seconds=summary.fixed_seconds)


def _made_of(summary: LoadSummary, parts: list[Message]) -> Message:
    """The parts, and how far they are from the cold load they are parts of."""
    times = (summary.storage_seconds, summary.quantize_seconds, summary.fixed_seconds)
    known = sum(seconds for seconds in times if seconds is not None)
    cold = next((run.total_seconds for run in summary.runs if run.name == "cold"), None)
    if cold is None or abs(cold - known) <= 0.01 * cold:
        return say("made-of-row", parts=parts)
    if known > cold:
        return say("parts-exceed-row", parts=parts, more_seconds=known - cold)
    rest = say(
        "cold-excess-piece" if len(parts) == len(times) else "untold-part-piece", part_seconds=cold - known
    )
    return say("made-of-row", parts=[*parts, rest])


def _load_title(trial: TrialLoad, folder: str) -> Message:
    if trial.folder != folder:
        return say("loaded-from-conversion-row", folder=trial.folder, load=_load_title(trial, trial.folder))
    if trial.source == "resident":
        return say("loaded-before-row", device=trial.device)
    if trial.cached_bytes_before is None:
        return say("loaded-from-unknown-row", device=trial.device, weight_bytes=trial.weight_bytes)
    return say(
        "loaded-from-storage-row",
        device=trial.device,
        cached_bytes=trial.cached_bytes_before,
        weight_bytes=trial.weight_bytes,
    )


def phase_lines(trial: TrialLoad) -> list[str]:
    """One line a phase, times aligned, bars in proportion to the longest phase."""
    longest = max(trial.phase_seconds.values(), default=0.0) or 1.0
    rows = [
        row(None, f"{phase:<12}{seconds:>10.2f} s  {'#' * round(_BAR_WIDTH * seconds / longest)}".rstrip())
        for phase, seconds in trial.phase_seconds.items()
    ]
    return [*rows, row(None, f"{told(say('total-label')):<12}{trial.total_seconds:>10.2f} s")]


def _unknown_lines(facts: LoadFacts) -> list[str]:
    found = [f"   {told(said)}" for said in _unknown(facts)]
    return ["", told(say("not-known-title")), *found] if found else []


def _unknown(facts: LoadFacts) -> Iterator[Message]:
    parts = {"storage": facts.storage.unknown, "memory": facts.memory.unknown}
    if facts.disk_activity is not None:
        parts["disk_activity"] = facts.disk_activity.unknown
    for part, unknown in parts.items():
        for field, reason in unknown.items():
            yield say("part-unknown-row", part=part, field=field, reason=reason)
    if facts.hub is not None and facts.hub.unknown is not None:
        yield say("hub-unknown-row", reason=facts.hub.unknown)
    uncompared = [file for file in facts.hashes if file.matches is None]  # named, but not looked at
    for file in uncompared[:_NAMED_FILES]:
        yield say("hash-unknown-row", file=file.name, reason=file.reason)
    if left := uncompared[_NAMED_FILES:]:
        yield say("more-hashes-row", files=len(left))
