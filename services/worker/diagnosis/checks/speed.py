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
from shared.messages.message import Message, say
from shared.reports.finding import Finding, Remedy, Severity
from shared.reports.load_facts import LoadFacts, TrialLoad
from shared.reports.machine import ReadSpeed

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
        title=say("bandwidth-bound-title"),
        evidence=(
            say(
                "no-load-is-faster",
                weight_bytes=total,
                limit_bytes_per_second=limit,
                limit_seconds=limit_seconds,
            ),
            shard_times(facts, limit_seconds),
            *(_achieved(trial, limit) if trial else (say("bound-is-predicted"),)),
            *((double_bytes(facts),) if wide_dtype(facts.checkpoint) else ()),
            *_disk_kind(facts, limit),
            say("loader-options-do-not-help"),
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
        title=say("request-bound-title"),
        evidence=(
            say(
                "mapping-is-slower",
                mapped_bytes_per_second=mapped,
                limit_bytes_per_second=limit,
                times=round(limit / mapped, 1),
            ),
            *_latency(speed),
            *_read_ahead(facts),
            say("mapping-loses", lost_seconds=lost),
            say("tunedock-maps-here" if suffers else "tunedock-reads-large-pieces"),
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


def shard_times(facts: LoadFacts, limit_seconds: float) -> Message:
    """Seconds a shard, the number that progress bars of loaders show."""
    shards = facts.checkpoint.shards
    at_least = say("each-shard-at-least", shards=shards, least_seconds=limit_seconds / shards)
    trial = told_by_storage(facts)
    if trial is None:
        return at_least
    loop = trial.shard_loop_seconds
    return say(
        "each-shard-took",
        at_least=at_least, shards=shards, each_seconds=loop / shards, loop_seconds=loop,
    )  # fmt: skip


def achieved_ratio(trial: TrialLoad, limit: float) -> float | None:
    """Rate of the load's reading over the limit (bytes a second); None where no reading was timed."""
    return trial.uncached_bytes / trial.reading_seconds / limit if trial.reading_seconds else None


def _achieved(trial: TrialLoad, limit: float) -> tuple[Message, ...]:
    ratio = achieved_ratio(trial, limit)
    if ratio is None:
        return ()
    reading = trial.reading_seconds
    if not (cached := trial.weight_bytes - trial.uncached_bytes):
        return (say("reading-achieved", reading_seconds=reading, achieved_ratio=ratio),)
    return (
        say("reading-achieved-partly", reading_seconds=reading, achieved_ratio=ratio, cached_bytes=cached),
    )


def is_hard_disk(facts: LoadFacts) -> bool:
    """Only when bandwidth and latency both say so: the kernel's own flag is often wrong."""
    limit = facts.limit_bytes_per_second
    latency = facts.read_speed.small.median_seconds if facts.read_speed else None
    if facts.storage.storage_class not in ("local", "layered") or limit is None or latency is None:
        return False
    return limit <= _HARD_DISK_BYTES_PER_SECOND and latency >= _HARD_DISK_LATENCY_SECONDS


def _disk_kind(facts: LoadFacts, limit: float) -> tuple[Message, ...]:
    latency = facts.read_speed.small.median_seconds if facts.read_speed else None
    if latency is None or not is_hard_disk(facts):
        return ()
    return (say("looks-like-hard-disk", limit_bytes_per_second=limit, small_seconds=latency),)


def _latency(speed: ReadSpeed) -> tuple[Message, ...]:
    median, p95 = speed.small.median_seconds, speed.small.p95_seconds
    if median is None or p95 is None:
        return ()
    return (say("small-read-takes", median_seconds=median, p95_seconds=p95),)


def _read_ahead(facts: LoadFacts) -> tuple[Message, ...]:
    device = facts.storage.block_device
    if device is None or device.read_ahead_bytes is None:
        return ()
    return (say("read-ahead-is", ahead_bytes=device.read_ahead_bytes, device=device.name),)


def _against_requests(facts: LoadFacts, lost: float) -> tuple[Remedy, ...]:
    remedies = []
    mapping, large = say("assumed-mapping-program"), say("assumed-mapping-reaches-large-reads")
    if not memory_is_short(facts):
        names = shlex.join(file.name for file in facts.checkpoint.opened)
        remedies.append(
            Remedy(
                action=say("read-files-through-first"),
                command=f"(cd {shlex.quote(facts.checkpoint.folder)} && cat {names}) > /dev/null",
                saves_seconds=lost,
                assumes=mapping,
            )
        )
    device = facts.storage.block_device
    if device is not None and (device.read_ahead_bytes or 0) < 2 * 1024**2:
        remedies.append(
            Remedy(
                action=say("read-further-ahead"),
                command=f"sudo blockdev --setra 8192 /dev/{device.name}",
                saves_seconds=lost,
                assumes=large if memory_is_short(facts) else say("assumed-both", first=mapping, second=large),
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
