"""Whether others, or limits, take from the load what it needs: the disk, the processors."""

from collections.abc import Iterator

from services.worker.diagnosis.checks.finding import NOTICEABLE_SECONDS, Check
from services.worker.diagnosis.checks.speed import is_hard_disk
from shared.messages.message import Message, say
from shared.reports.finding import Finding, Remedy
from shared.reports.load_facts import LoadFacts
from shared.reports.machine import DiskActivity

_BUSY_RATIO = 0.3
_THROTTLED_RATIO = 0.3


def find_busy_disk(facts: LoadFacts) -> Finding | None:
    activity = facts.disk_activity
    if activity is None or not _is_busy(activity, facts.limit_bytes_per_second):
        return None
    return Finding(
        id="busy-disk",
        severity="warning",
        title=say("busy-disk-title"),
        evidence=(*_shares(activity), *_flows(activity), *_turns(facts)),
        remedies=(
            Remedy(
                action=say("see-who-uses-disk"),
                command="pidstat -d 1 10",
            ),
        ),
    )


def _is_busy(activity: DiskActivity, limit: float | None) -> bool:
    """By the time in which the disk works for others, or by how much of its speed they take.

    A disk that a limit slows down has idle time nevertheless. Programs may wait for other disks than the
    model's: that counts only where its own can't be watched.
    """
    busy = activity.stalled_ratio if activity.busy_ratio is None else activity.busy_ratio
    taken = (activity.read_bytes_per_second or 0.0) / limit if limit else 0.0
    return max(busy or 0.0, taken) >= _BUSY_RATIO


def _shares(activity: DiskActivity) -> Iterator[Message]:
    busy, stalled, window = activity.busy_ratio, activity.stalled_ratio, activity.window_seconds
    if busy:
        yield say("disk-had-requests", device=activity.device, busy_ratio=busy, window_seconds=window)
    if stalled:
        yield say("programs-waited-for-disk", stalled_ratio=stalled, window_seconds=window)


def _flows(activity: DiskActivity) -> Iterator[Message]:
    if (read := activity.read_bytes_per_second) is not None:
        yield say("others-read", read_bytes_per_second=read)
    if (written := activity.written_bytes_per_second) is not None:
        yield say("others-wrote", written_bytes_per_second=written)


def _turns(facts: LoadFacts) -> Iterator[Message]:
    if is_hard_disk(facts):
        yield say("head-moves-between-readers")


def find_processor_limit(facts: LoadFacts) -> Finding | None:
    """A container's share of the processors is used up while the model loads."""
    pressure, trial = facts.pressure, facts.trial
    if pressure is None or trial is None or trial.source != "trial" or pressure.processor_limit is None:
        return None
    throttled = pressure.processor_throttled_ratio or 0.0
    if throttled < _THROTTLED_RATIO or trial.total_seconds < NOTICEABLE_SECONDS:
        return None
    return Finding(
        id="processor-limit",
        severity="warning",
        title=say("processor-limit-title"),
        evidence=(
            say(
                "processors-throttled",
                processors=pressure.processor_limit,
                throttled_ratio=throttled,
                load_seconds=trial.total_seconds,
            ),
        ),
        remedies=(Remedy(action=say("raise-processor-limit")),),
    )


CHECKS = (
    Check(
        "busy-disk",
        "warning",
        "other programs keep the disk busy",
        find_busy_disk,
        explains=("bandwidth-bound", "request-bound", "uneven-speed", "slow-reading"),
    ),
    Check(
        "processor-limit",
        "warning",
        "a container's limit of processors reached while loading",
        find_processor_limit,
        explains=("quantize-bound", "fixed-costs", "slow-reading"),
    ),
)
