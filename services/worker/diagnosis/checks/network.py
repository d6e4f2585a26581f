"""What a load does on the network before it reads a byte of weights."""

from services.worker.diagnosis.checks.finding import NOTICEABLE_SECONDS, Check
from shared.messages.message import say
from shared.reports.finding import Finding, Remedy
from shared.reports.load_facts import LoadFacts


def find_hub_asked(facts: LoadFacts) -> Finding | None:
    if facts.checkpoint.source != "hub_cache" or facts.cache.offline or facts.locate_seconds is None:
        return None
    slow = facts.locate_seconds >= NOTICEABLE_SECONDS
    return Finding(
        id="hub-asked",
        severity="warning" if slow else "info",
        title=say("hub-asked-title"),
        evidence=(say("finding-files-took", locate_seconds=facts.locate_seconds),),
        remedies=(
            Remedy(
                action=say("load-without-asking"),
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
        title=say("first-download-title"),
        evidence=(
            say(
                "download-took",
                locate_seconds=seconds,
                weight_bytes=total,
                line_bytes_per_second=total / seconds,
            ),
            say("later-loads-find-it"),
        ),
        remedies=(
            Remedy(
                action=say("use-more-for-transfer"),
                command="export HF_XET_HIGH_PERFORMANCE=1",
            ),
        ),
    )


CHECKS = (
    Check("hub-asked", "warning", "the hub is asked at every load", find_hub_asked),
    Check("first-download", "info", "a first load that waited for its download", find_first_download),
)
