"""What a load does on the network before it reads a byte of weights."""

from services.worker.diagnosis.checks.finding import NOTICEABLE_SECONDS, Check
from shared.reports.finding import Finding, Remedy
from shared.reports.load_facts import LoadFacts
from shared.units import duration, rate, size


def find_hub_asked(facts: LoadFacts) -> Finding | None:
    if facts.checkpoint.source != "hub_cache" or facts.cache.offline or facts.locate_seconds is None:
        return None
    slow = facts.locate_seconds >= NOTICEABLE_SECONDS
    return Finding(
        id="hub-asked",
        severity="warning" if slow else "info",
        title="Every load asks the hub whether the cached files are current",
        evidence=(
            f"finding the cached files took {duration(facts.locate_seconds)}, questions to the hub included",
        ),
        remedies=(
            Remedy(
                action="load without asking, once everything is cached",
                command="export HF_HUB_OFFLINE=1",
                saves_seconds=facts.locate_seconds,
            ),
        ),
    )


def find_first_download(facts: LoadFacts) -> Finding | None:
    """What somebody waits for the first time is not what a load takes."""
    seconds = facts.locate_seconds
    if facts.checkpoint.source != "hub" or seconds is None or seconds < NOTICEABLE_SECONDS:
        return None
    total = facts.checkpoint.opened_bytes
    return Finding(
        id="first-download",
        severity="info",
        title="The model was downloaded just now, which only a first load waits for",
        evidence=(
            f"finding and downloading it took {duration(seconds)}: {size(total)}, "
            f"at least {rate(total / seconds)}",
            "later loads find it in the cache",
        ),
        remedies=(
            Remedy(
                action="if that is far below your line's speed, let the transfer use more of the machine",
                command="export HF_XET_HIGH_PERFORMANCE=1",
            ),
        ),
    )


CHECKS = (
    Check("hub-asked", "warning", "the hub is asked at every load", find_hub_asked),
    Check("first-download", "info", "a first load that waited for its download", find_first_download),
)
