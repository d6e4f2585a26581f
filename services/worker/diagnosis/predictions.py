"""How long a load takes once a remedy was applied: arithmetic on what was measured before.

A load is what storage takes for its bytes, plus what no storage changes. Every answer is in seconds of a load
with its files out of memory (but for the warm cache), and None where the facts do not tell.
"""

import math

from shared.reports.load_facts import LoadFacts, Target, TrialLoad


def cold_run(facts: LoadFacts) -> TrialLoad | None:
    """The load of the checkpoint that got its files from storage: what predictions are set against."""
    return next((run for run in facts.checkpoint_runs if run.is_cold), None)


def without_storage(facts: LoadFacts) -> float | None:
    """A load of the checkpoint less its reading from storage: measured with warm files, else computed.

    A warm load that took longer than the cold one was held up by something else, and says nothing.
    """
    trial, warm = next(iter(facts.checkpoint_runs), None), facts.warm_run
    if trial is None:
        return None
    if warm is not None and warm.total_seconds <= trial.total_seconds:
        return warm.total_seconds
    read = trial.phase_seconds.get("read", 0.0)
    if not read and trial.uncached_bytes:  # no room to read ahead: storage hides in the other phases
        if not facts.limit_bytes_per_second:
            return None
        read = trial.uncached_bytes / facts.limit_bytes_per_second
    return max(0.0, trial.total_seconds - read)


def fixed_seconds(run: TrialLoad) -> float:
    """What does not depend on how the weights are stored: config, tokenizer, modules, transfer."""
    return sum(run.phase_seconds.get(phase, 0.0) for phase in ("resolve", "move", "rest"))


def from_copy(facts: LoadFacts) -> float | None:
    """From the prepared copy in the data folder: its bytes, no faster than they are taken in."""
    target = facts.target("data")
    size_bytes = facts.copy_in_use.bytes if facts.copy_in_use else facts.checkpoint.nf4_bytes
    runs = (*facts.prepared, *reversed(facts.checkpoint_runs))
    if target is None or not target.limit_bytes_per_second or size_bytes is None or not runs:
        return None
    rate = min(target.limit_bytes_per_second, facts.intake_bytes_per_second or math.inf)
    return size_bytes / rate + fixed_seconds(runs[0])


def from_target(facts: LoadFacts, target: Target) -> float | None:
    """The checkpoint from another place."""
    return from_storage_of(facts, target.limit_bytes_per_second) if target.limit_bytes_per_second else None


def from_storage_of(facts: LoadFacts, bytes_per_second: float) -> float | None:
    """The checkpoint from a storage of that rate."""
    rest = without_storage(facts)
    return None if rest is None else facts.checkpoint.opened_bytes / bytes_per_second + rest


def from_bfloat16(facts: LoadFacts) -> float | None:
    """A bfloat16 copy on the same disk."""
    rest, reading = without_storage(facts), facts.read_seconds(facts.checkpoint.bfloat16_bytes or 0)
    return None if rest is None or reading is None else reading + rest


def from_warm_copy(facts: LoadFacts) -> float | None:
    """From the prepared copy, its file in the page cache."""
    copy, rate = facts.copy_in_use, facts.intake_bytes_per_second
    if copy is None or not rate or not facts.prepared:
        return None
    return copy.bytes / rate + fixed_seconds(facts.prepared[0])
