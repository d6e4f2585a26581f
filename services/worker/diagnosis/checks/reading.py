"""Whether reading went as the storage's speed would have it: evenly, and each byte once."""

from services.worker.diagnosis.checks.finding import LONG_SECONDS, NOTICEABLE_SECONDS, Check, saved
from services.worker.diagnosis.checks.memory import memory_is_short
from services.worker.diagnosis.checks.phases import processors
from services.worker.diagnosis.checks.speed import BOUND_RATIO, told_by_storage
from shared.messages.message import say
from shared.reports.finding import Finding, Remedy
from shared.reports.load_facts import LoadFacts
from shared.reports.machine import ReadSpeed

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
        title=say("uneven-speed-title"),
        evidence=(
            say("speed-varies", limit_bytes_per_second=limit, slowest_bytes_per_second=slowest),
            say("slow-rate-costs", lost_seconds=lost),
            say("why-speed-varies"),
        ),
        remedies=(
            Remedy(action=say("diagnose-again-later")),
            Remedy(action=say("look-at-rented-disk")),
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
        title=say("slow-reading-title"),
        evidence=(
            say(
                "reading-against-storage",
                read_seconds=read,
                deserialize_seconds=deserialize,
                reading_seconds=trial.reading_seconds,
                uncached_bytes=trial.uncached_bytes,
                limit_bytes_per_second=limit,
                allowed_seconds=allowed,
            ),
            *processors(trial),
        ),
        remedies=(
            Remedy(
                action=say("see-what-else-ran"),
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
        title=say("read-again-title"),
        evidence=(
            say(
                "fetched-more-than-needed",
                fetched_bytes=trial.storage_read_bytes,
                uncached_bytes=trial.uncached_bytes,
            ),
            say("why-fetched-again"),
        ),
        remedies=(Remedy(action=say("free-memory-or-raise-limit"), saves_seconds=extra / limit),),
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
