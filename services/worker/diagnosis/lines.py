"""A diagnosis as plain lines: what was measured, phases as bars, the limit, findings, what is unknown."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from services.worker.diagnosis.checks.mounts import mount_words
from shared.messages.render import told
from shared.reports.finding import AppliedRemedy, Finding, Remedy
from shared.reports.load import LoadSummary
from shared.reports.load_facts import LoadFacts, TrialLoad
from shared.reports.machine import Rate, ReadSpeed
from shared.units import duration, rate, size

_LABEL_WIDTH = 12
_BAR_WIDTH = 40
_NAMED_FILES = 5


def report_lines(
    facts: LoadFacts,
    summary: LoadSummary,
    findings: list[Finding],
    applied: Sequence[AppliedRemedy] = (),
) -> list[str]:
    """The whole report; ASCII except for × and ÷, no colours."""
    day = datetime.fromtimestamp(facts.measured_at, UTC).strftime("%Y-%m-%d %H:%M UTC")
    return [
        f"How {facts.model} loads, {day}",
        "",
        *_measured_lines(facts),
        "",
        *_load_lines(facts, summary),
        "",
        *_finding_lines(findings),
        *applied_lines(applied),
        *_unknown_lines(facts),
    ]


def _measured_lines(facts: LoadFacts) -> Iterator[str]:
    checkpoint, cache = facts.checkpoint, facts.cache
    formats = ", ".join(sorted({file.format for file in checkpoint.opened})) or "none"
    dtypes = " + ".join(f"{count:,} × {dtype}" for dtype, count in checkpoint.dtype_parameters.items())
    count = len(checkpoint.opened)
    yield _line("weights", f"{count} file{'s' * (count != 1)} ({formats}), {size(checkpoint.opened_bytes)}")
    if dtypes:
        yield _line("parameters", dtypes)
    yield _line("source", checkpoint.source.replace("_", " "))
    yield _line("folder", checkpoint.folder)
    if facts.in_hub_cache:
        yield _line("cache", f"{cache.folder} (decided by {cache.decided_by})")
    yield _line("storage", _storage_words(facts))
    yield from _disk_lines(facts)
    usable = facts.memory.usable_bytes
    if usable is not None:
        yield _line("memory", f"room for {size(usable)} of {size(facts.memory.total_bytes or 0)}")
    yield _line("versions", ", ".join(f"{name} {version}" for name, version in facts.versions.items()))
    if facts.read_speed is not None:
        yield from _speed_lines(facts.read_speed)


def _storage_words(facts: LoadFacts) -> str:
    storage = facts.storage
    lies = f"{storage.real_path} is on {storage.mount_point} ({mount_words(storage)})"
    return f"{lies}: {storage.storage_class}"


def _disk_lines(facts: LoadFacts) -> Iterator[str]:
    device = facts.storage.block_device
    if device is not None:
        flag = {True: "rotational by its own account", False: "not rotational", None: "rotation unknown"}
        ahead = (
            f", reads {size(device.read_ahead_bytes)} ahead" if device.read_ahead_bytes is not None else ""
        )
        yield _line("disk", f"{' + '.join(device.disks)}, {flag[device.rotational]}{ahead}")
    elif facts.disk_behind is not None:
        yield _line("disk", f"{facts.disk_behind}, which read while the files were read")


def _speed_lines(speed: ReadSpeed) -> Iterator[str]:
    reasons = {measured.reason for measured in (speed.direct, speed.buffered, speed.mapped, speed.warm)}
    if len(reasons | {speed.small.reason}) == 1 and (reason := speed.small.reason):
        yield _line("reads", f"unknown: {reason}")
        return
    yield _line("cold reads", f"direct {_rate(speed.direct)}, buffered {_rate(speed.buffered)}")
    yield _line("", f"mapped {_rate(speed.mapped)}")
    yield _line("warm reads", _rate(speed.warm))
    small = speed.small
    if small.median_seconds is not None and small.p95_seconds is not None:
        yield _line(
            "4 KiB reads", f"{duration(small.median_seconds)} median, {duration(small.p95_seconds)} p95"
        )
    else:
        yield _line("4 KiB reads", f"unknown: {small.reason}")


def _rate(measured: Rate) -> str:
    if measured.bytes_per_second is None:
        return f"unknown ({measured.reason})"
    return rate(measured.bytes_per_second)


def _load_lines(facts: LoadFacts, summary: LoadSummary) -> Iterator[str]:
    trial = facts.trial
    if trial is None:
        failure = facts.trial_failure
        yield _line("load", f"failed: {told(failure.message)}" if failure else "not tried")
    else:
        yield _line("load", _load_title(trial, facts.checkpoint.folder))
        yield from phase_lines(trial)
    yield from _run_lines(summary)
    if summary.limit_seconds is not None and summary.limit_bytes_per_second is not None:
        sum_ = f"{size(summary.weight_bytes)} ÷ {rate(summary.limit_bytes_per_second)}"
        yield _line("limit", f"{sum_} = {duration(summary.limit_seconds)}")
    if summary.achieved_ratio is not None:
        above = "; the storage reads faster than it did while it was measured"
        more = above if summary.achieved_ratio > 1.01 else ""
        yield _line("achieved", f"{summary.achieved_ratio:.2f} of the limit{more}")
    if summary.shard_seconds is not None:
        yield _line("a shard", f"{duration(summary.shard_seconds)} ({summary.shards} of them)")


_RUN_TITLES = {
    "as_found": "as found",
    "cold": "cold",
    "warm": "warm",
    "prepared_cold": "prepared, cold",
    "prepared": "prepared, warm",
}


def _run_lines(summary: LoadSummary) -> Iterator[str]:
    """All runs beneath each other where there are several, and what their differences tell."""
    if len(summary.runs) > 1:
        for number, run in enumerate(summary.runs):
            at_least = f"  limit {run.limit_seconds:.2f} s" if run.limit_seconds is not None else ""
            text = (
                f"{_RUN_TITLES[run.name]:<15}{run.total_seconds:>9.2f} s, {size(run.weight_bytes)}{at_least}"
            )
            yield _line("runs" if number == 0 else "", text)
    parts = (
        ("storage", summary.storage_seconds),
        ("quantizing and casting", summary.quantize_seconds),
        ("fixed", summary.fixed_seconds),
    )
    known = [f"{name} {duration(seconds)}" for name, seconds in parts if seconds is not None]
    if summary.storage_in_noise:
        yield _line("so", "the warm load took no less than the cold one: noise hides what storage takes")
    if known:
        told = sum(seconds for _, seconds in parts if seconds is not None)
        yield _line("so", ", ".join(known) + _untold(summary, told, whole=len(known) == len(parts)))


def _untold(summary: LoadSummary, told: float, *, whole: bool) -> str:
    """How far the parts are from the cold load they are parts of."""
    cold = next((run.total_seconds for run in summary.runs if run.name == "cold"), None)
    if cold is None or abs(cold - told) <= 0.01 * cold:
        return ""
    if cold > told:
        name = "slower in the cold run" if whole else "not told apart"
        return f", {name} {duration(cold - told)}"
    return f" ({duration(told - cold)} more than the cold load: other phases were slower in the other runs)"


def _load_title(trial: TrialLoad, folder: str) -> str:
    if trial.folder != folder:
        return f"from the safetensors copy in {trial.folder} {_load_title(trial, trial.folder)}"
    if trial.source == "resident":
        return f"in memory of {trial.device} already; the load that brought it there took"
    cached = "an unknown part" if trial.cached_bytes_before is None else size(trial.cached_bytes_before)
    return f"to {trial.device}, {cached} of {size(trial.weight_bytes)} were in memory before"


def phase_lines(trial: TrialLoad) -> list[str]:
    """One line a phase, times aligned, bars in proportion to the longest phase."""
    longest = max(trial.phase_seconds.values(), default=0.0) or 1.0
    rows = [
        _line("", f"{phase:<12}{seconds:>10.2f} s  {'#' * round(_BAR_WIDTH * seconds / longest)}".rstrip())
        for phase, seconds in trial.phase_seconds.items()
    ]
    return [*rows, _line("", f"{'total':<12}{trial.total_seconds:>10.2f} s")]


def _finding_lines(findings: list[Finding]) -> Iterator[str]:
    if not findings:
        yield "Findings: none"
    for number, finding in enumerate(findings, start=1):
        yield f"{number}. {finding.severity.upper()} {finding.id}: {told(finding.title)}"
        yield from (f"   - {told(sentence)}" for sentence in finding.evidence)
        for remedy in finding.remedies:
            yield from _remedy_lines(remedy)


def _remedy_lines(remedy: Remedy) -> Iterator[str]:
    gain = ""
    if remedy.saves_seconds is not None:
        gain = (
            f" (saves about {duration(remedy.saves_seconds)}" if remedy.saves_seconds else " (saves nothing"
        )
        if remedy.predicted_seconds is not None:
            gain += f"; a load then takes {duration(remedy.predicted_seconds)}"
        gain += ")"
    yield f"   > {told(remedy.action)}{gain}"
    if remedy.saves_seconds is not None and (assumption := remedy.assumption):
        yield f"       {told(assumption)}"
    yield from (f"       {line}" for line in (remedy.command or "").splitlines())


def applied_lines(applied: Sequence[AppliedRemedy]) -> Iterator[str]:
    """What was done about it, predicted beside measured."""
    if applied:
        yield from ("", "Done")
    for remedy in applied:
        yield f"   - {told(remedy.action)}"
        seconds = (
            ("before", remedy.before_seconds),
            ("predicted", remedy.predicted_seconds),
            ("measured", remedy.measured_seconds),
            ("limit", remedy.limit_seconds),
        )
        if known := [f"{name} {duration(value)}" for name, value in seconds if value is not None]:
            yield f"       a load: {', '.join(known)}"
        if remedy.note:
            yield f"       {told(remedy.note)}"


def _unknown_lines(facts: LoadFacts) -> list[str]:
    parts = {"storage": facts.storage.unknown, "memory": facts.memory.unknown}
    if facts.disk_activity is not None:
        parts["disk activity"] = facts.disk_activity.unknown
    found = [
        f"   {part}: {field}: {reason}"
        for part, unknown in parts.items()
        for field, reason in unknown.items()
    ]
    if facts.hub is not None and facts.hub.unknown is not None:
        found.append(f"   hub: {facts.hub.unknown}")
    found += _uncompared_lines(facts)
    return ["", "Not known", *found] if found else []


def _uncompared_lines(facts: LoadFacts) -> Iterator[str]:
    """Files whose hash is named somewhere and could not be looked at."""
    uncompared = [file for file in facts.hashes if file.matches is None]
    for file in uncompared[:_NAMED_FILES]:
        yield f"   hash of {file.name}: {file.reason}"
    if left := uncompared[_NAMED_FILES:]:
        yield f"   hashes of {len(left)} more files"


def _line(label: str, text: str) -> str:
    return f"{label:<{_LABEL_WIDTH}}{text}".rstrip()
