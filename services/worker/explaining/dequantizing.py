"""How much of a pass is making 4-bit weights wide again, seen by torch's profiler on a few micro-batches."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch.profiler import ProfilerActivity, profile, schedule

from services.worker.explaining.arm import ArmSteps
from services.worker.models.load import LoadedModel
from services.worker.text.marked_text import TokenRow

OPERATIONS = ("bitsandbytes::dequantize_4bit", "bitsandbytes::dequantize_blockwise")
BACKWARD, AUTOGRAD = "MatMul4BitBackward", "autograd::engine::evaluate_function"
BEFORE = 2  # micro-batches: one unseen, one while the profiler starts
SEEN = 2
EVENTS_OF_A_LAYER = 1600  # of one micro-batch, computed again and all; each takes about 1 KB and 0.1 ms
MOST_EVENTS = 100_000

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Dequantizing:
    """`ratios`, by phase of the model's own forward: seconds of dequantizing ÷ seconds of the phase."""

    ratios: Mapping[str, float]
    micro_batches: int


def watch_dequantizing(
    base: LoadedModel, steps: ArmSteps, rows: Sequence[TokenRow], tick: Callable[[], None]
) -> Dequantizing | None:
    """Of an arm by the model's own forward, on its first micro-batch of `rows`. None where no weight has 4
    bits, where the model has too many layers to keep all their events, or where the profiler does not start.

    Neither stacks, shapes nor memory are recorded: those take several times as long.
    """
    seen = min(SEEN, MOST_EVENTS // (EVENTS_OF_A_LAYER * base.model.get_decoder().config.num_hidden_layers))
    if base.quantization != "nf4" or not seen:
        return None
    some = steps.arm.rows_of(rows)[: steps.arm.plan.rows_per_micro_batch]
    try:
        return _watch(steps, some, tick, seen, on_card=base.device.type == "cuda")
    except RuntimeError as error:
        logger.warning("dequantizing can't be seen: %s", error)
        return None


def _watch(
    steps: ArmSteps, rows: Sequence[TokenRow], tick: Callable[[], None], seen: int, *, on_card: bool
) -> Dequantizing:
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if on_card else [])]
    phases, times = dict[str, float](), schedule(wait=BEFORE - 1, warmup=1, active=seen)
    with profile(activities=activities, schedule=times) as profiler:
        for number in range(BEFORE + seen):
            timed = steps(rows, tick)
            if number >= BEFORE:
                for phase, seconds in timed.phase_seconds.items():
                    phases[phase] = phases.get(phase, 0.0) + seconds
            if number < BEFORE + seen - 1:  # the last one would begin anew, and forget
                profiler.step()
    took = _seconds(profiler.events() or (), on_card=on_card)
    ratios = {phase: min(1.0, part / phases[phase]) for phase, part in took.items() if phases.get(phase)}
    return Dequantizing(ratios, seen)


def _seconds(events: Any, *, on_card: bool) -> dict[str, float]:
    """Of all dequantizing, by the phase that asked for it."""
    took: dict[str, float] = {}
    for event in events:
        if event.name in OPERATIONS:
            microseconds = event.device_time_total if on_card else event.cpu_time_total
            phase = _phase(event)
            took[phase] = took.get(phase, 0.0) + microseconds / 1e6
    return took


def _phase(event: Any) -> str:
    """A forward pass under autograd's own is one that is computed again."""
    above = event.cpu_parent
    phase = "forward"
    while above is not None:
        if above.name == BACKWARD:
            return "backward"
        if above.name.startswith(AUTOGRAD):
            phase = "recomputation"
        above = above.cpu_parent
    return phase
