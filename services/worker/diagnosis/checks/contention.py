"""Whether others, or limits, take from the load what it needs: the disk, the processors."""

from collections.abc import Iterator

from services.worker.diagnosis.checks.finding import NOTICEABLE_SECONDS, Check
from services.worker.diagnosis.checks.speed import is_hard_disk
from shared.reports.finding import Finding, Remedy
from shared.reports.load_facts import LoadFacts
from shared.reports.machine import DiskActivity
from shared.units import duration, rate

_BUSY_RATIO = 0.3
_THROTTLED_RATIO = 0.3


def find_busy_disk(facts: LoadFacts) -> Finding | None:
    activity = facts.disk_activity
    if activity is None or not _is_busy(activity, facts.limit_bytes_per_second):
        return None
    return Finding(
        id="busy-disk",
        severity="warning",
        title="Other programs keep the disk busy",
        evidence=(*_shares(activity), *_flows(activity), *_turns(facts)),
        remedies=(
            Remedy(
                action="see which programs use the disk, let them finish, then diagnose again",
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


def _shares(activity: DiskActivity) -> Iterator[str]:
    window = duration(activity.window_seconds)
    shares = (
        (activity.busy_ratio, f"{activity.device} had requests in flight"),
        (activity.stalled_ratio, "programs waited for a disk"),
    )
    for share, what in shares:
        if share:
            yield f"{what} for {share:.0%} of {window} in which we left it alone"


def _flows(activity: DiskActivity) -> Iterator[str]:
    flows = ((activity.read_bytes_per_second, "read"), (activity.written_bytes_per_second, "written"))
    if moved := ", ".join(f"{rate(flow)} {what}" for flow, what in flows if flow is not None):
        yield moved


def _turns(facts: LoadFacts) -> Iterator[str]:
    if is_hard_disk(facts):
        yield (
            "a hard disk moves its head between its readers, so two get far less than half each: no loader "
            "with several threads helps, one reader at a time does"
        )


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
        title="The container's limit of processors slows the load down",
        evidence=(
            f"it may use {pressure.processor_limit:g} processors, and was stopped in {throttled:.0%} of the "
            f"scheduler's periods while the model was loaded in {duration(trial.total_seconds)}",
        ),
        remedies=(Remedy(action="raise the limit (`cpus` in compose, `docker run --cpus`)"),),
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
