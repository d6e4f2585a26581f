"""Whether reading went as the storage's speed would have it: evenly, and each byte once."""

from services.worker.diagnosis.checks.finding import LONG_SECONDS, NOTICEABLE_SECONDS, Check, saved
from services.worker.diagnosis.checks.memory import memory_is_short
from services.worker.diagnosis.checks.phases import processors
from services.worker.diagnosis.checks.speed import BOUND_RATIO, told_by_storage
from shared.reports.finding import Finding, Remedy
from shared.reports.load_facts import LoadFacts
from shared.reports.machine import ReadSpeed
from shared.units import duration, rate, size

_EVEN_RATIO = 0.5
_READ_AGAIN_RATIO = 0.5


def find_uneven_speed(facts: LoadFacts) -> Finding | None:
    """Parts of the files are read far slower than others."""
    limit, speed = facts.limit_bytes_per_second, facts.read_speed
    slowest = _slowest(speed) if speed else None
    if limit is None or slowest is None or slowest > _EVEN_RATIO * limit:
        return None
    total = facts.checkpoint.opened_bytes
    lost = saved(total / slowest, total / limit)
    if lost is None or lost < NOTICEABLE_SECONDS:
        return None
    return Finding(
        id="uneven-speed",
        severity="info",
        title="The storage's speed varies a lot within the files",
        evidence=(
            f"large reads reach {rate(limit)} on average and {rate(slowest)} where they are slowest",
            f"a load that meets the slow rate throughout takes {duration(lost)} longer",
            "rented disks slow down when their credits are used up, hard disks towards their inside and "
            "where a file lies in pieces, and any disk while others use it",
        ),
        remedies=(
            Remedy(
                action="diagnose again later: if other places are slow then, the time matters, not the place"
            ),
            Remedy(action="of a rented disk, look at its credits or choose one with a fixed rate"),
        ),
    )


def find_slow_reading(facts: LoadFacts) -> Finding | None:
    """Reading took far longer than bytes ÷ bandwidth: the storage does not explain the load.

    Where memory is too short to read ahead the load maps its files, and is told of by other findings.
    """
    trial, limit = told_by_storage(facts), facts.limit_bytes_per_second
    if trial is None or not limit or memory_is_short(facts):
        return None
    allowed = trial.uncached_bytes / limit
    lost = trial.reading_seconds - allowed
    if lost < NOTICEABLE_SECONDS or allowed >= BOUND_RATIO * trial.reading_seconds:
        return None
    read, deserialize = (trial.phase_seconds.get(phase, 0.0) for phase in ("read", "deserialize"))
    return Finding(
        id="slow-reading",
        severity="warning" if lost >= LONG_SECONDS else "info",
        title="Reading is slower than this storage allows",
        evidence=(
            f"read {duration(read)} + deserialize {duration(deserialize)} = "
            f"{duration(trial.reading_seconds)}; {size(trial.uncached_bytes)} ÷ {rate(limit)} = "
            f"{duration(allowed)}",
            *processors(trial),
        ),
        remedies=(
            Remedy(
                action="see what else used the processors, the memory and the disk, and diagnose again while "
                "nothing does",
                command="vmstat 1 10",
            ),
        ),
        costs_seconds=lost,
    )


def find_read_again(facts: LoadFacts) -> Finding | None:
    """The kernel fetched more than the files have: pages were pushed out before the load used them."""
    trial, limit = told_by_storage(facts), facts.limit_bytes_per_second
    if trial is None or trial.storage_read_bytes is None or not limit:
        return None
    extra = trial.storage_read_bytes - trial.uncached_bytes
    if extra < _READ_AGAIN_RATIO * trial.weight_bytes or extra / limit < NOTICEABLE_SECONDS:
        return None
    return Finding(
        id="read-again",
        severity="warning",
        title="The load fetched its files from storage more than once",
        evidence=(
            f"{size(trial.storage_read_bytes)} came from storage for files of {size(trial.uncached_bytes)} "
            "that were not in memory",
            "memory was too full to keep them between reading ahead and loading, or the mapping reads more "
            "than it needs",
        ),
        remedies=(
            Remedy(action="free memory, or raise the container's memory limit", saves_seconds=extra / limit),
        ),
    )


def _slowest(speed: ReadSpeed) -> float | None:
    """The slowest region's rate of the faster way of reading."""
    ways = [way for way in (speed.direct, speed.buffered) if way.bytes_per_second is not None]
    fastest = max(ways, key=lambda way: way.bytes_per_second or 0.0, default=None)
    return fastest.slowest_bytes_per_second if fastest else None


CHECKS = (
    Check("uneven-speed", "info", "parts of the files read far slower than others", find_uneven_speed),
    Check("slow-reading", "warning", "reading slower than the storage allows", find_slow_reading),
    Check(
        "read-again",
        "warning",
        "more bytes fetched than the files have",
        find_read_again,
        explains=("slow-reading",),
    ),
)
