"""Whether main memory holds the checkpoint, and the programs beside it."""

from services.worker.diagnosis.checks.finding import Check
from services.worker.diagnosis.checks.remedies import keep_bfloat16_copy, keep_nf4_copy
from services.worker.models.reading.page_cache import LARGEST_SHARE_OF_MEMORY
from shared.messages.message import say
from shared.reports.finding import Finding, Remedy
from shared.reports.load_facts import LoadFacts

_SWAPPED_BYTES = 64_000_000
_STALLED_RATIO = 0.1
_SWAPPED_SHARE = 0.1  # of main memory; less than that lies in swap of any machine that has been up for long


def memory_is_short(facts: LoadFacts) -> bool:
    """Whether memory is known to be too small for the files, so that the loader does not read ahead."""
    usable = facts.memory.usable_bytes
    return usable is not None and facts.checkpoint.opened_bytes > LARGEST_SHARE_OF_MEMORY * usable


def find_short_memory(facts: LoadFacts) -> Finding | None:
    memory, total = facts.memory, facts.checkpoint.opened_bytes
    usable = memory.usable_bytes
    if usable is None or not memory_is_short(facts):
        return None
    limited = memory.available_bytes is None or usable < memory.available_bytes
    limits = (
        say("container-memory-limit", limit_bytes=memory.cgroup_limit_bytes or 0)
        if limited
        else say(
            "machine-memory", total_bytes=memory.total_bytes or 0, free_bytes=memory.available_bytes or 0
        )
    )
    larger = say("raise-memory-limit" if limited else "free-memory-or-add")
    options = (keep_nf4_copy(facts), keep_bfloat16_copy(facts))
    smaller = [option.model_copy(update={"saves_seconds": None}) for option in options if option is not None]
    return Finding(
        id="short-memory",
        severity="warning",
        title=say("short-memory-title"),
        evidence=(
            say("files-exceed-memory", weight_bytes=total, usable_bytes=usable),
            limits,
            say("files-read-again-each-time"),
        ),
        remedies=(Remedy(action=larger), *smaller),
    )


def find_swapping(facts: LoadFacts) -> Finding | None:
    """Memory was fetched back from swap while the model was loaded, or much of it lies there."""
    memory, pressure = facts.memory, facts.pressure
    swapped = (memory.swap_total_bytes or 0) - (memory.swap_free_bytes or 0)
    fetched = (pressure.swapped_in_bytes or 0) if pressure else 0
    stalled = (pressure.memory_stalled_ratio or 0.0) if pressure else 0.0
    hurts = fetched >= _SWAPPED_BYTES or (stalled >= _STALLED_RATIO and swapped > 0)
    if not hurts and swapped < _SWAPPED_SHARE * (memory.total_bytes or float("inf")):
        return None
    evidence = [say("bytes-in-swap", swapped_bytes=swapped, swap_bytes=memory.swap_total_bytes or 0)]
    if pressure is not None:
        evidence += [
            say("fetched-back-from-swap", fetched_bytes=fetched, load_seconds=pressure.seconds),
            say("programs-waited-for-memory", stalled_ratio=stalled),
        ]
    return Finding(
        id="swapping",
        severity="warning" if hurts else "info",
        title=say("swapping-title" if hurts else "much-swapped-title"),
        evidence=tuple(evidence),
        remedies=(
            Remedy(action=say("end-large-programs"), command="ps aux --sort=-rss | head"),
            Remedy(action=say("move-swap")),
        ),
    )


CHECKS = (
    Check(
        "short-memory",
        "warning",
        "RAM or the container's limit below the checkpoint's size",
        find_short_memory,
        explains=("request-bound", "read-again", "swapping"),
    ),
    Check(
        "swapping",
        "warning",
        "memory fetched back from swap",
        find_swapping,
        explains=("read-again", "slow-reading"),
    ),
)
