"""The facts behind a report as rows of tables, and what is not known, with the reason."""

from collections.abc import Iterator

from services.api.page_kit.rows import Group, Row
from shared.messages.render import told
from shared.reports.load import LoadReport
from shared.reports.load_facts import LoadFacts
from shared.reports.machine import ReadSpeed
from shared.units import duration, rate, size

_IN_CACHE = ("hub", "hub_cache")
_ROTATION = {
    True: "says it rotates",
    False: "says it does not rotate",
    None: "does not say whether it rotates",
}


def fact_groups(report: LoadReport) -> tuple[Group, ...]:
    """Only what is known; groups without a row are left out."""
    facts = report.facts
    groups = (
        Group("Model", tuple(_model(report))),
        Group("Cache", tuple(_cache(facts))),
        Group("Storage", tuple(_storage(facts))),
        Group("Cold and warm reads", tuple(_speed(facts.read_speed) if facts.read_speed else ())),
        Group("Machine", tuple(_machine(facts))),
        Group("Versions", tuple(Row(name, version) for name, version in facts.versions.items())),
    )
    return tuple(group for group in groups if group.rows)


def not_known(report: LoadReport) -> tuple[Row, ...]:
    facts, summary = report.facts, report.summary
    rows = [] if summary.total_seconds is not None or summary.runs else [_no_load(facts)]
    for part, unknown in (
        ("storage", facts.storage.unknown),
        ("memory", facts.memory.unknown),
        ("disk activity", facts.disk_activity.unknown if facts.disk_activity else {}),
    ):
        rows += [Row(f"{part}: {field}", reason) for field, reason in unknown.items()]
    if facts.read_speed:
        rows += [Row(f"reads: {name}", reason) for name, reason in _unmeasured(facts.read_speed)]
    elif summary.limit_seconds is None:
        rows.append(Row("limit", "how fast the storage reads was not measured"))
    if facts.hub and facts.hub.unknown:
        rows.append(Row("hub", facts.hub.unknown))
    rows += [Row(f"hash: {file.name}", file.reason or "") for file in facts.hashes if file.matches is None]
    return tuple(rows)


def _model(report: LoadReport) -> Iterator[Row]:
    checkpoint, summary = report.facts.checkpoint, report.summary
    formats = ", ".join(sorted({file.format for file in checkpoint.files if file.opened}))
    count = f"{summary.shards} file{'s' * (summary.shards != 1)}"
    yield Row("weights", ", ".join(part for part in (count, formats, size(summary.weight_bytes)) if part))
    if checkpoint.dtype_parameters:
        kinds = [f"{count:,} × {dtype}" for dtype, count in checkpoint.dtype_parameters.items()]
        yield Row("parameters", " + ".join(kinds))
    if report.facts.wanted_dtype and not checkpoint.quantized:
        yield Row("dtype wanted", report.facts.wanted_dtype)
    for dtype, count_bytes in (("bfloat16", checkpoint.bfloat16_bytes), ("nf4", checkpoint.nf4_bytes)):
        if count_bytes is not None:
            yield Row(f"as {dtype}", size(count_bytes))
    if checkpoint.source:
        yield Row("source", checkpoint.source.replace("_", " "))
    if checkpoint.folder:
        yield Row("folder", checkpoint.folder, is_code=True)
    if checkpoint.revision:
        yield Row("revision", checkpoint.revision, is_code=True)


def _cache(facts: LoadFacts) -> Iterator[Row]:
    cache = facts.cache
    if not cache.folder or facts.checkpoint.source not in _IN_CACHE:
        return
    yield Row("folder", cache.folder, is_code=True)
    yield Row("decided by", cache.decided_by, is_code=True)
    yield Row("asks the hub", "no, offline" if cache.offline else "at every load")
    for copy in cache.copies:
        yield Row("another copy", f"{copy.folder} ({size(copy.bytes)})", is_code=True)


def _storage(facts: LoadFacts) -> Iterator[Row]:
    storage, device = facts.storage, facts.storage.block_device
    for label, value in (
        ("files", storage.real_path),
        ("mounted at", storage.mount_point),
        ("from", storage.source),
        ("options", ", ".join(storage.options)),
    ):
        if value:
            yield Row(label, value, is_code=True)
    if storage.filesystem:
        yield Row("filesystem", f"{storage.filesystem} ({storage.storage_class})")
    if device is not None:
        yield Row("disk", f"{' + '.join(device.disks)}, {_ROTATION[device.rotational]}")
        if device.read_ahead_bytes is not None:
            yield Row("reads ahead", size(device.read_ahead_bytes))
    elif facts.disk_behind:
        yield Row("disk", f"{facts.disk_behind}, which read while the files were read")
    if storage.free_bytes is not None:
        of_total = f" of {size(storage.total_bytes)}" if storage.total_bytes else ""
        yield Row("free", f"{size(storage.free_bytes)}{of_total}")


def _speed(speed: ReadSpeed) -> Iterator[Row]:
    for label, way in (
        ("cold, direct", speed.direct),
        ("cold, buffered", speed.buffered),
        ("cold, mapped", speed.mapped),
        ("warm", speed.warm),
    ):
        if way.bytes_per_second is not None:
            slowest = way.slowest_bytes_per_second
            lowest = f", {rate(slowest)} at the slowest place" if slowest else ""
            yield Row(label, f"{rate(way.bytes_per_second)}{lowest}")
    small = speed.small
    if small.median_seconds is not None and small.p95_seconds is not None:
        yield Row("4 KiB", f"{duration(small.median_seconds)} median, {duration(small.p95_seconds)} p95")


def _unmeasured(speed: ReadSpeed) -> Iterator[tuple[str, str]]:
    ways = (
        ("direct", speed.direct),
        ("buffered", speed.buffered),
        ("mapped", speed.mapped),
        ("warm", speed.warm),
    )
    for name, way in ways:
        if way.bytes_per_second is None and way.reason:
            yield name, way.reason
    if speed.small.median_seconds is None and speed.small.reason:
        yield "4 KiB", speed.small.reason


def _machine(facts: LoadFacts) -> Iterator[Row]:
    memory, trial, activity = facts.memory, facts.trial, facts.disk_activity
    if memory.total_bytes is not None:
        free = f", {size(memory.available_bytes)} free" if memory.available_bytes is not None else ""
        yield Row("memory", f"{size(memory.total_bytes)}{free}")
    if memory.cgroup_limit_bytes is not None:
        yield Row("container's limit", size(memory.cgroup_limit_bytes))
    if activity is not None and activity.busy_ratio is not None:
        window = f"{duration(activity.window_seconds)} in which we left it alone"
        yield Row("disk busy", f"{activity.busy_ratio:.0%} of {window}")
    if trial is not None:
        yield Row("device", trial.device)
        if trial.folder and trial.folder != facts.checkpoint.folder:
            yield Row("loaded from", trial.folder, is_code=True)
        if trial.storage_read_bytes is not None:
            yield Row("read in the load", f"{size(trial.storage_read_bytes)} from storage")
        if trial.cpu_seconds is not None:
            yield Row("processor time", duration(trial.cpu_seconds))


def _no_load(facts: LoadFacts) -> Row:
    if facts.trial_failure is None:
        return Row("load", "none was tried")
    return Row("load", f"it failed: {told(facts.trial_failure.message)}")
