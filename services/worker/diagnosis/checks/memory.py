"""Whether main memory holds the checkpoint."""

from services.worker.diagnosis.checks.finding import Check, Finding, Remedy
from services.worker.diagnosis.checks.remedies import keep_bfloat16_copy, keep_nf4_copy
from services.worker.diagnosis.facts import LoadFacts
from services.worker.diagnosis.units import size


def find_short_memory(facts: LoadFacts) -> Finding | None:
    memory, total = facts.memory, facts.checkpoint.opened_bytes
    usable = memory.usable_bytes
    if usable is None or not facts.memory_is_short:
        return None
    limited = memory.available_bytes is None or usable < memory.available_bytes
    limits = (
        f"this container may use {size(memory.cgroup_limit_bytes or 0)}"
        if limited
        else f"the machine has {size(memory.total_bytes or 0)}, {size(memory.available_bytes or 0)} are free"
    )
    larger = (
        "raise the container's memory limit (`mem_limit` in compose, `docker run --memory`)"
        if limited
        else "free memory, or give the machine more (under WSL2 `memory=` in .wslconfig)"
    )
    options = (keep_nf4_copy(facts), keep_bfloat16_copy(facts))
    smaller = [option.model_copy(update={"saves_seconds": None}) for option in options if option is not None]
    return Finding(
        id="short-memory",
        severity="warning",
        title="Memory does not hold the whole checkpoint",
        evidence=(
            f"the weight files have {size(total)}, memory has room for {size(usable)}",
            limits,
            "so they can't be read ahead, and the next load reads them from storage again",
        ),
        remedies=(Remedy(action=larger), *smaller),
    )


CHECKS = (
    Check(
        "short-memory",
        "warning",
        "RAM or the container's limit below the checkpoint's size",
        find_short_memory,
    ),
)
