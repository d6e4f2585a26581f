"""Whether the processor, or main memory, keeps the steps waiting."""

from services.worker.explaining.checks.finding import (
    WORTH_A_WARNING,
    TrainingCheck,
    by_share,
    cost_of,
    remedy,
    saved_seconds,
)
from shared.messages.message import Message, say
from shared.reports.finding import Finding
from shared.reports.training_facts import TrainingFacts

_THROTTLED_RATIO = 0.1  # of the scheduler's periods
_OTHERS_RATIO = 0.2  # of the processors
_BUSY_RATIO = 0.85  # of a step with a kernel running on the card
_FEW_ROWS_COST_NOTHING = 1.5  # how many times faster rows are, twice as many at once
_DEQUANTIZING_RATIO = 0.2  # of a step: then that is what a micro-batch costs, whatever its rows
_SWAPPED_BYTES = 64_000_000
_STALLED_RATIO = 0.1


def find_processor_limit(facts: TrainingFacts) -> Finding | None:
    """A container's share of the processors is used up in many periods."""
    pressure, use = facts.pressure, facts.processor
    if pressure is None or pressure.processor_limit is None:
        return None
    throttled = pressure.processor_throttled_ratio or 0.0
    if throttled < _THROTTLED_RATIO:
        return None
    waited, threads = _waited(facts), use.threads if use else 1
    actions = [remedy(say("raise-processor-limit"), facts, waited)]
    if threads > pressure.processor_limit >= 1:
        actions.append(remedy(say("fewer-threads", threads=int(pressure.processor_limit)), facts, None))
    return Finding(
        id="processor-limit",
        severity="warning",
        title=say("training-processor-limit-title"),
        evidence=(
            say(
                "training-processors-throttled",
                processors=pressure.processor_limit,
                throttled_ratio=throttled,
                threads=threads,
            ),
            *([] if waited is None else [say("threads-waited", waited_ratio=waited)]),
        ),
        remedies=tuple(actions),
        costs_seconds=None if waited is None else saved_seconds(facts, waited),
    )


def find_busy_processor(facts: TrainingFacts) -> Finding | None:
    """Other programs use the processors, and this one had to wait for them."""
    use, waited = facts.processor, _waited(facts)
    if use is None or waited is None or use.others_processors is None:
        return None
    if waited < WORTH_A_WARNING or use.others_processors < _OTHERS_RATIO * use.processors:
        return None
    saves = waited if facts.device.kind == "cpu" else None  # a card may have had work meanwhile
    return Finding(
        id="busy-processor",
        severity="warning",
        title=say("busy-processor-title", waited_ratio=waited),
        evidence=(
            say(
                "busy-processor-evidence",
                others=round(use.others_processors, 1),
                processors=use.processors,
                own=round(use.own_processors or 0.0, 1),
            ),
        ),
        remedies=(remedy(say("busy-processor-remedy"), facts, saves, command="ps aux --sort=-%cpu | head"),),
        costs_seconds=None if saves is None else saved_seconds(facts, saves),
    )


def find_host_bound(facts: TrainingFacts) -> Finding | None:
    """The card waits for its next kernel; or twice the rows at once take hardly longer, so that the time
    goes into launching.
    """
    busy, larger = facts.device.busy_ratio, cost_of(facts, "batch_size")
    if busy is not None and busy < _BUSY_RATIO:
        idle, evidence = 1 - busy, say("host-bound-by-profiler", idle_ratio=1 - busy)
    elif busy is None and larger is not None and (larger.ratio or 0) >= _FEW_ROWS_COST_NOTHING:
        if facts.step.phase_seconds.get("dequantizing", 0.0) > saved_seconds(facts, _DEQUANTIZING_RATIO):
            return None
        idle = larger.saves_ratio
        evidence = say(
            "host-bound-by-rows",
            rows=larger.as_is,
            more_rows=larger.changed,
            as_is_seconds=larger.as_is_seconds,
            changed_seconds=larger.changed_seconds,
        )
    else:
        return None
    saves = larger.saves_ratio if larger is not None and larger.saves_ratio > 0 else None
    return Finding(
        id="host-bound",
        severity=by_share(idle),
        title=say("host-bound-title"),
        evidence=(evidence,),
        remedies=(remedy(say("host-bound-remedy"), facts, saves),),
        costs_seconds=saved_seconds(facts, idle),
    )


def find_swapping(facts: TrainingFacts) -> Finding | None:
    """Memory was fetched back from swap while steps were computed."""
    pressure, memory = facts.pressure, facts.machine_memory
    if pressure is None:
        return None
    fetched, stalled = pressure.swapped_in_bytes or 0, pressure.memory_stalled_ratio or 0.0
    swapped = 0 if memory is None else (memory.swap_total_bytes or 0) - (memory.swap_free_bytes or 0)
    if fetched < _SWAPPED_BYTES and not (stalled >= _STALLED_RATIO and swapped > 0):
        return None
    saves = stalled if stalled >= _STALLED_RATIO else None
    return Finding(
        id="swapping",
        severity="warning",
        title=say("training-swapping-title"),
        evidence=(
            say("training-fetched-from-swap", fetched_bytes=fetched, watched_seconds=pressure.seconds),
            say("programs-waited-for-memory", stalled_ratio=stalled),
        ),
        remedies=(
            remedy(say("end-large-programs"), facts, saves, command="ps aux --sort=-rss | head"),
            remedy(say("training-with-less-memory"), facts, saves),
        ),
        costs_seconds=None if saves is None else saved_seconds(facts, saves),
    )


def _waited(facts: TrainingFacts) -> float | None:
    """The share of a step in which its threads waited for a processor."""
    return None if facts.processor is None else facts.processor.waited_ratio


def _no_pressure(facts: TrainingFacts) -> Message | None:
    return say("not-checked-silent-system") if facts.pressure is None else None


def _no_waits(facts: TrainingFacts) -> Message | None:
    use = facts.processor
    silent = use is None or use.waited_ratio is None or use.others_processors is None
    return say("not-checked-silent-system") if silent else None


def _no_swap(facts: TrainingFacts) -> Message | None:
    silent = facts.pressure is None or facts.pressure.swapped_in_bytes is None
    return say("not-checked-silent-system") if silent else None


def _no_gaps(facts: TrainingFacts) -> Message | None:
    tried = facts.device.busy_ratio is not None or cost_of(facts, "batch_size") is not None
    return None if tried else say("not-checked-no-trial")


CHECKS = (
    TrainingCheck(
        "swapping",
        "warning",
        "memory fetched back from swap while steps are computed",
        find_swapping,
        explains=("slow-loading", "busy-processor", "host-bound"),
        unasked=_no_swap,
    ),
    TrainingCheck(
        "processor-limit",
        "warning",
        "a container's limit of processors reached in many periods",
        find_processor_limit,
        explains=("busy-processor", "slow-loading", "host-bound"),
        unasked=_no_pressure,
    ),
    TrainingCheck(
        "busy-processor",
        "warning",
        "other programs take the processors",
        find_busy_processor,
        explains=("slow-loading", "host-bound"),
        unasked=_no_waits,
    ),
    TrainingCheck(
        "host-bound",
        "warning",
        "the device waits for work to be launched",
        find_host_bound,
        unasked=_no_gaps,
    ),
)
