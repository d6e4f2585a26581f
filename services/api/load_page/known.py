"""The facts behind a report as rows of tables, and what is not known, with the reason."""

from collections.abc import Iterator

from services.api.page_kit.rows import Group, Row
from shared.messages.message import Message, say
from shared.messages.render import told
from shared.reports.load import LoadReport
from shared.reports.load_facts import LoadFacts
from shared.reports.load_rows import disk_row, parameters_row
from shared.reports.machine import Rate, ReadSpeed

_IN_CACHE = ("hub", "hub_cache")


def fact_groups(report: LoadReport) -> tuple[Group, ...]:
    """Only what is known; groups without a row are left out."""
    facts = report.facts
    groups = (
        _group(say("model-group-title"), _model(report)),
        _group(say("cache-group-title"), _cache(facts)),
        _group(say("storage-group-title"), _storage(facts)),
        _group(say("reads-group-title"), _speed(facts.read_speed) if facts.read_speed else iter(())),
        _group(say("machine-group-title"), _machine(facts)),
        _group(say("versions-group-title"), (Row(*version) for version in facts.versions.items())),
    )
    return tuple(group for group in groups if group.rows)


def not_known(report: LoadReport) -> tuple[Row, ...]:
    return tuple(_unknown(report))


def _unknown(report: LoadReport) -> Iterator[Row]:
    facts, summary = report.facts, report.summary
    if summary.total_seconds is None and not summary.runs:
        yield _row(say("load-label"), _no_load(facts))
    for part, unknown in (
        ("storage", facts.storage.unknown),
        ("memory", facts.memory.unknown),
        ("disk_activity", facts.disk_activity.unknown if facts.disk_activity else {}),
    ):
        for field, reason in unknown.items():
            yield _row(say("unknown-field-label", part=part, field=field), reason)
    if facts.read_speed:
        for way, reason in _unmeasured(facts.read_speed):
            yield _row(say("unknown-reads-label", way=way), reason)
    elif summary.limit_seconds is None:
        yield _row(say("limit-label"), say("limit-unmeasured-row"))
    if facts.hub and facts.hub.unknown:
        yield _row(say("hub-label"), facts.hub.unknown)
    for file in facts.hashes:
        if file.matches is None:
            yield _row(say("hash-label", file=file.name), file.reason or "")


def _group(title: Message, rows: Iterator[Row]) -> Group:
    return Group(told(title), tuple(rows))


def _row(label: Message, value: str | Message, *, is_code: bool = False) -> Row:
    return Row(told(label), told(value), is_code)


def _bytes_row(label: Message, count_bytes: int) -> Row:
    return _row(label, say("bytes-row", count_bytes=count_bytes))


def _model(report: LoadReport) -> Iterator[Row]:
    checkpoint, summary = report.facts.checkpoint, report.summary
    files, total = summary.shards, summary.weight_bytes
    weights = say("weights-without-format-row", files=files, weight_bytes=total)
    if formats := sorted({file.format for file in checkpoint.files if file.opened}):
        weights = say("weights-row", files=files, formats=formats, weight_bytes=total)
    yield _row(say("weights-label"), weights)
    if checkpoint.dtype_parameters:
        yield _row(say("parameters-label"), parameters_row(checkpoint.dtype_parameters))
    if report.facts.wanted_dtype and not checkpoint.quantized:
        yield _row(say("dtype-wanted-label"), report.facts.wanted_dtype)
    for dtype, count_bytes in (("bfloat16", checkpoint.bfloat16_bytes), ("nf4", checkpoint.nf4_bytes)):
        if count_bytes is not None:
            yield _bytes_row(say("as-dtype-label", dtype=dtype), count_bytes)
    if checkpoint.source:
        yield _row(say("source-label"), say("source-row", source=checkpoint.source))
    if checkpoint.folder:
        yield _row(say("folder-label"), checkpoint.folder, is_code=True)
    if checkpoint.revision:
        yield _row(say("revision-label"), checkpoint.revision, is_code=True)


def _cache(facts: LoadFacts) -> Iterator[Row]:
    cache = facts.cache
    if not cache.folder or facts.checkpoint.source not in _IN_CACHE:
        return
    yield _row(say("folder-label"), cache.folder, is_code=True)
    yield _row(say("decided-by-label"), cache.decided_by, is_code=True)
    yield _row(say("asks-hub-label"), say("asks-hub-row", offline=cache.offline))
    for copy in cache.copies:
        lies = say("another-copy-row", folder=copy.folder, copy_bytes=copy.bytes)
        yield _row(say("another-copy-label"), lies, is_code=True)


def _storage(facts: LoadFacts) -> Iterator[Row]:
    storage, device = facts.storage, facts.storage.block_device
    for label, value in (
        (say("files-label"), storage.real_path),
        (say("mounted-at-label"), storage.mount_point),
        (say("mounted-from-label"), storage.source),
        (say("options-label"), ", ".join(storage.options)),
    ):
        if value:
            yield _row(label, value, is_code=True)
    if storage.filesystem:
        kind = say("filesystem-row", filesystem=storage.filesystem, storage_class=storage.storage_class)
        yield _row(say("filesystem-label"), kind)
    if device is not None or facts.disk_behind:
        yield _row(say("disk-label"), disk_row(facts) or "")
    if device is not None and device.read_ahead_bytes is not None:
        yield _bytes_row(say("reads-ahead-label"), device.read_ahead_bytes)
    if storage.free_bytes is not None:
        yield _row(say("free-label"), _free(storage.free_bytes, storage.total_bytes))


def _free(free: int, total: int | None) -> Message:
    if not total:
        return say("free-row", free_bytes=free)
    return say("free-of-total-row", free_bytes=free, total_bytes=total)


def _speed(speed: ReadSpeed) -> Iterator[Row]:
    for label, way in (
        (say("cold-direct-label"), speed.direct),
        (say("cold-buffered-label"), speed.buffered),
        (say("cold-mapped-label"), speed.mapped),
        (say("warm-label"), speed.warm),
    ):
        if way.bytes_per_second is not None:
            yield _row(label, _rate(way, way.bytes_per_second))
    small = speed.small
    if small.median_seconds is not None and small.p95_seconds is not None:
        took = say("small-reads-row", median_seconds=small.median_seconds, p95_seconds=small.p95_seconds)
        yield _row(say("small-read-label"), took)


def _rate(way: Rate, bytes_per_second: float) -> Message:
    if not way.slowest_bytes_per_second:
        return say("read-rate-row", read_bytes_per_second=bytes_per_second)
    return say(
        "read-rate-slowest-row",
        read_bytes_per_second=bytes_per_second,
        slowest_bytes_per_second=way.slowest_bytes_per_second,
    )


def _unmeasured(speed: ReadSpeed) -> Iterator[tuple[str, str | Message]]:
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
        yield "small", speed.small.reason


def _machine(facts: LoadFacts) -> Iterator[Row]:
    memory, trial, activity = facts.memory, facts.trial, facts.disk_activity
    if memory.total_bytes is not None and memory.available_bytes is not None:
        free = say("memory-free-row", total_bytes=memory.total_bytes, free_bytes=memory.available_bytes)
        yield _row(say("memory-label"), free)
    elif memory.total_bytes is not None:
        yield _bytes_row(say("memory-label"), memory.total_bytes)
    if memory.cgroup_limit_bytes is not None:
        yield _bytes_row(say("container-limit-label"), memory.cgroup_limit_bytes)
    if activity is not None and activity.busy_ratio is not None:
        busy = say("disk-busy-row", busy_ratio=activity.busy_ratio, window_seconds=activity.window_seconds)
        yield _row(say("disk-busy-label"), busy)
    if trial is not None:
        yield _row(say("device-label"), trial.device)
        if trial.folder and trial.folder != facts.checkpoint.folder:
            yield _row(say("loaded-from-label"), trial.folder, is_code=True)
        if trial.storage_read_bytes is not None:
            read = say("read-in-load-row", read_bytes=trial.storage_read_bytes)
            yield _row(say("read-in-load-label"), read)
        if trial.cpu_seconds is not None:
            spent = say("processor-time-row", processor_seconds=trial.cpu_seconds)
            yield _row(say("processor-time-label"), spent)


def _no_load(facts: LoadFacts) -> Message:
    if facts.trial_failure is None:
        return say("load-untried-row")
    return say("load-it-failed-row", failure=facts.trial_failure.message)
