"""Whether the storage's speed explains the load: its bandwidth or its requests."""

import shlex

from services.worker.diagnosis.checks.dtype import double_bytes, wide_dtype
from services.worker.diagnosis.checks.finding import LONG_SECONDS, NOTICEABLE_SECONDS, Check, saved
from services.worker.diagnosis.checks.memory import memory_is_short
from services.worker.diagnosis.checks.remedies import (
    keep_bfloat16_copy,
    keep_nf4_copy,
    move_to_faster_disk,
    stay_resident,
)
from shared.reports.finding import Finding, Remedy, Severity
from shared.reports.load_facts import LoadFacts, TrialLoad
from shared.reports.machine import ReadSpeed
from shared.units import duration, rate, size

BOUND_RATIO = 0.5  # from here on the storage's limit explains more of the reading than everything else
_FROM_CACHE_RATIO = 0.1  # a load that needs less of its bytes from storage says nothing about storage
_MAPPING_PENALTY = 1.5
_HARD_DISK_BYTES_PER_SECOND = 300e6
_HARD_DISK_LATENCY_SECONDS = 0.005  # a seek and half a turn take 8 to 15 ms, an SSD's answer 0.1


def find_bandwidth_bound(facts: LoadFacts) -> Finding | None:
    """Reading takes about bytes ÷ bandwidth: only fewer bytes, another disk or no load at all can help."""
    total = facts.checkpoint.opened_bytes
    limit_seconds, limit = facts.read_seconds(total), facts.limit_bytes_per_second
    if limit_seconds is None or limit is None or limit_seconds < NOTICEABLE_SECONDS:
        return None
    trial = told_by_storage(facts)
    if trial is not None and trial.uncached_bytes / limit < BOUND_RATIO * trial.reading_seconds:
        return None
    severity: Severity = "warning" if limit_seconds >= LONG_SECONDS else "info"
    options = (keep_nf4_copy(facts), move_to_faster_disk(facts), keep_bfloat16_copy(facts), stay_resident())
    return Finding(
        id="bandwidth-bound",
        severity=severity,
        title="The storage's bandwidth limits the load",
        evidence=(
            f"{size(total)} ÷ {rate(limit)} = {duration(limit_seconds)}: no load from this storage is faster",
            shard_times(facts, limit_seconds),
            *(_achieved(trial, limit) if trial else ("not seen in a load from storage: predicted",)),
            *((double_bytes(facts),) if wide_dtype(facts.checkpoint) else ()),
            *_disk_kind(facts, limit),
            "options of the loader can't help: they change neither the bytes nor the disk",
        ),
        remedies=tuple(option for option in options if option is not None),
        costs_seconds=limit_seconds,
    )


def find_request_bound(facts: LoadFacts) -> Finding | None:
    """Memory-mapped reading is much slower than large reads of the same file: each request costs time."""
    speed, limit = facts.read_speed, facts.limit_bytes_per_second
    mapped = speed.mapped.bytes_per_second if speed else None
    if speed is None or limit is None or mapped is None or mapped * _MAPPING_PENALTY > limit:
        return None
    lost = saved(facts.checkpoint.opened_bytes / mapped, facts.read_seconds(facts.checkpoint.opened_bytes))
    if lost is None or lost < NOTICEABLE_SECONDS:
        return None
    suffers = memory_is_short(facts)
    return Finding(
        id="request-bound",
        severity="warning" if suffers else "info",
        title="Many small requests are slow on this storage, large reads are not",
        evidence=(
            f"memory mapping reads {rate(mapped)}, large reads {rate(limit)}: {limit / mapped:.1f} times it",
            *_latency(speed),
            *_read_ahead(facts),
            f"a load that only maps its files loses {duration(lost)}",
            "Tunedock does so here, for memory can't hold the files beforehand"
            if suffers
            else "Tunedock reads the files in large pieces first and so does not; other programs do",
        ),
        remedies=_against_requests(facts, lost),
    )


def told_by_storage(facts: LoadFacts) -> TrialLoad | None:
    """The trial load, if its bytes came from the checkpoint's storage rather than from the page cache."""
    trial = facts.trial
    if trial is None or trial.source != "trial" or trial.cached_bytes_before is None:
        return None
    if trial.folder != facts.checkpoint.folder:  # a converted copy, which may lie on another disk
        return None
    return trial if trial.uncached_bytes > _FROM_CACHE_RATIO * trial.weight_bytes else None


def shard_times(facts: LoadFacts, limit_seconds: float) -> str:
    """Seconds a shard, the number that progress bars of loaders show."""
    shards = facts.checkpoint.shards
    at_least = f"{shards} shard{'s' if shards > 1 else ''}, at least {limit_seconds / shards:.2f} s each"
    trial = told_by_storage(facts)
    if trial is None:
        return at_least
    each = trial.shard_loop_seconds / shards
    return f"{at_least}; the load took {each:.2f} s each, {duration(trial.shard_loop_seconds)} in all"


def achieved_ratio(trial: TrialLoad, limit: float) -> float | None:
    """Rate of the load's reading over the limit (bytes a second); None where no reading was timed."""
    return trial.uncached_bytes / trial.reading_seconds / limit if trial.reading_seconds else None


def _achieved(trial: TrialLoad, limit: float) -> tuple[str, ...]:
    ratio = achieved_ratio(trial, limit)
    if ratio is None:
        return ()
    cached = trial.weight_bytes - trial.uncached_bytes
    known = f" ({size(cached)} were in memory already)" if cached else ""
    return (f"reading took {duration(trial.reading_seconds)}: achieved ÷ limit = {ratio:.2f}{known}",)


def is_hard_disk(facts: LoadFacts) -> bool:
    """Only when bandwidth and latency both say so: the kernel's own flag is often wrong."""
    limit = facts.limit_bytes_per_second
    latency = facts.read_speed.small.median_seconds if facts.read_speed else None
    if facts.storage.storage_class not in ("local", "layered") or limit is None or latency is None:
        return False
    return limit <= _HARD_DISK_BYTES_PER_SECOND and latency >= _HARD_DISK_LATENCY_SECONDS


def _disk_kind(facts: LoadFacts, limit: float) -> tuple[str, ...]:
    latency = facts.read_speed.small.median_seconds if facts.read_speed else None
    if latency is None or not is_hard_disk(facts):
        return ()
    return (f"{rate(limit)} and {duration(latency)} for a small read are those of one hard disk",)


def _latency(speed: ReadSpeed) -> tuple[str, ...]:
    median, p95 = speed.small.median_seconds, speed.small.p95_seconds
    if median is None or p95 is None:
        return ()
    return (f"one 4 KiB read takes {duration(median)} (median), {duration(p95)} (95th percentile)",)


def _read_ahead(facts: LoadFacts) -> tuple[str, ...]:
    device = facts.storage.block_device
    if device is None or device.read_ahead_bytes is None:
        return ()
    return (f"the kernel reads {size(device.read_ahead_bytes)} ahead of a mapping on {device.name}",)


def _against_requests(facts: LoadFacts, lost: float) -> tuple[Remedy, ...]:
    remedies = []
    whose = "" if memory_is_short(facts) else "a program that only maps its files; "
    if not memory_is_short(facts):
        names = shlex.join(file.name for file in facts.checkpoint.opened)
        remedies.append(
            Remedy(
                action="read the files through once before a program loads them",
                command=f"(cd {shlex.quote(facts.checkpoint.folder)} && cat {names}) > /dev/null",
                saves_seconds=lost,
                assumes=whose.removesuffix("; "),
            )
        )
    device = facts.storage.block_device
    if device is not None and (device.read_ahead_bytes or 0) < 2 * 1024**2:
        remedies.append(
            Remedy(
                action="let the kernel read further ahead",
                command=f"sudo blockdev --setra 8192 /dev/{device.name}",
                saves_seconds=lost,
                assumes=f"{whose}memory mapping then reaches the speed of large reads",
            )
        )
    return tuple(remedies)


CHECKS = (
    Check(
        "bandwidth-bound",
        "warning",
        "reading takes about bytes ÷ the storage's bandwidth",
        find_bandwidth_bound,
    ),
    Check("request-bound", "warning", "mapped reading far slower than large reads", find_request_bound),
)
