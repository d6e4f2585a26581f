"""Whether the card can do what it could: its clock, its memory, and who else is on it."""

from services.worker.explaining.checks.finding import TrainingCheck, remedy, saved_seconds
from shared.messages.message import Message, say
from shared.reports.finding import Finding
from shared.reports.training_facts import DeviceFacts, TrainingFacts

_SLOWED_CLOCK = 0.85  # of the run's own start; a card that is always at its power limit is not slowed
_SPILLED_BYTES = 64_000_000
_FULL_BYTES = 300_000_000  # free at the least
_SPILLED_STEP = 1.3  # of the predicted step
_COOL = 0.6  # of the power limit: a card that waits for main memory is busy and cool
_OTHERS_BYTES = 1_000_000_000  # a desktop takes less
_OTHERS_RATIO = 0.1  # of the card


def find_throttled_card(facts: TrainingFacts) -> Finding | None:
    device = facts.device
    if not device.clock_hertz or not device.clock_start_hertz:
        return None
    ratio = device.clock_hertz / device.clock_start_hertz
    if ratio >= _SLOWED_CLOCK or not device.throttle_reasons:
        return None
    hot = "thermal" in device.throttle_reasons or "hardware_slowdown" in device.throttle_reasons
    action = say("throttled-card-remedy-heat") if hot else say("throttled-card-remedy-power")
    return Finding(
        id="throttled-card",
        severity="warning",
        title=say("throttled-card-title", clock_ratio=ratio),
        evidence=(
            say(
                "throttled-card-evidence",
                start_megahertz=round(device.clock_start_hertz / 1e6),
                megahertz=round(device.clock_hertz / 1e6),
                reasons=device.throttle_reasons,
            ),
            *_heat(device),
        ),
        remedies=(remedy(action, facts, 1 - ratio),),
        costs_seconds=saved_seconds(facts, 1 - ratio),
    )


def find_spill(facts: TrainingFacts) -> Finding | None:
    """By the counter of main memory that the card uses; without one by a full, busy and cool card."""
    device, predicted = facts.device, _predicted_step(facts)
    step = facts.step.step_seconds
    spilled = (device.shared_memory_bytes or 0) - (device.shared_memory_start_bytes or 0)
    if spilled >= _SPILLED_BYTES:
        seen = say("spill-by-counter", spilled_bytes=spilled)
    elif _is_full_and_cool(device) and predicted is not None and step > _SPILLED_STEP * predicted:
        seen = say(
            "spill-by-signs",
            free_bytes=device.free_bytes or 0,
            watts=round(device.power_watts or 0),
            limit_watts=round(device.power_limit_watts or 0),
        )
    else:
        return None
    saves = None if predicted is None or predicted >= step else 1 - predicted / step
    compared = (
        []
        if saves is None
        else [say("slower-than-predicted", step_seconds=step, predicted_seconds=predicted)]
    )
    return Finding(
        id="spill",
        severity="warning",
        title=say("spill-title"),
        evidence=(seen, *compared),
        remedies=(remedy(say("spill-remedy"), facts, saves),),
        costs_seconds=None if saves is None else saved_seconds(facts, saves),
    )


def find_shared_card(facts: TrainingFacts) -> Finding | None:
    others, memory = facts.device.other_processes_bytes or 0, facts.device.memory_bytes
    if not memory or others < max(_OTHERS_BYTES, _OTHERS_RATIO * memory):
        return None
    return Finding(
        id="shared-card",
        severity="warning",
        title=say("shared-card-title", others_bytes=others),
        evidence=(say("shared-card-evidence", memory_bytes=memory),),
        remedies=(remedy(say("shared-card-remedy"), facts, None, command="nvidia-smi"),),
    )


def _is_full_and_cool(device: DeviceFacts) -> bool:
    if device.free_bytes is None or not device.power_watts or not device.power_limit_watts:
        return False
    return device.free_bytes < _FULL_BYTES and device.power_watts < _COOL * device.power_limit_watts


def _predicted_step(facts: TrainingFacts) -> float | None:
    """Seconds, as foretold before the first step."""
    foretold = [one for one in facts.predictions if one.quantity == "step_seconds" and one.when == "start"]
    return foretold[0].predicted if foretold else None


def _heat(device: DeviceFacts) -> list[Message]:
    if device.temperature_celsius is None or device.power_watts is None:
        return []
    return [
        say("card-heat", celsius=round(device.temperature_celsius), watts=round(device.power_watts)),
    ]


def _no_card(facts: TrainingFacts) -> Message | None:
    return say("not-checked-no-card") if facts.device.kind == "cpu" else None


def _no_clock(facts: TrainingFacts) -> Message | None:
    silent = facts.device.clock_hertz is None or facts.device.clock_start_hertz is None
    return _no_card(facts) or (say("not-checked-silent-driver") if silent else None)


def _no_memory(facts: TrainingFacts) -> Message | None:
    silent = facts.device.memory_bytes is None
    return _no_card(facts) or (say("not-checked-silent-driver") if silent else None)


CHECKS = (
    TrainingCheck(
        "shared-card",
        "warning",
        "another process holds a large part of the card's memory",
        find_shared_card,
        explains=("spill",),
        unasked=_no_memory,
    ),
    TrainingCheck(
        "spill",
        "warning",
        "the card's data in main memory, where Windows puts what does not fit",
        find_spill,
        explains=("slow-loading", "host-bound"),
        unasked=_no_memory,
    ),
    TrainingCheck(
        "throttled-card",
        "warning",
        "a clock that power or heat lowers during the run",
        find_throttled_card,
        unasked=_no_clock,
    ),
)
