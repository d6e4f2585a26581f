"""The phases of a load, in their order, as stretches of a bar."""

from collections.abc import Iterable, Mapping

from services.api.page_kit.bars import Segment, stack
from services.api.page_kit.scales import Scale
from shared.messages.message import say
from shared.messages.render import told

PHASES = ("resolve", "read", "deserialize", "quantize", "move", "rest")


def phase_meanings() -> dict[str, str]:
    """What each phase does, in the reader's language."""
    said = (
        say("phase-resolve-row"), say("phase-read-row"), say("phase-deserialize-row"),
        say("phase-quantize-row"), say("phase-move-row"), say("phase-rest-row"),
    )  # fmt: skip
    return {name: told(meaning) for name, meaning in zip(PHASES, said, strict=True)}


def phases_of(phase_seconds: Iterable[Mapping[str, float]]) -> tuple[str, ...]:
    """Every phase that is timed anywhere, in the order of a load; words of other releases come last."""
    named = {name for seconds in phase_seconds for name in seconds}
    return (*(name for name in PHASES if name in named), *sorted(named - set(PHASES)))


def stack_phases(phase_seconds: Mapping[str, float], scale: Scale) -> tuple[Segment, ...]:
    """One segment a phase, in the order of a load."""
    return stack(
        (
            (name, name if name in PHASES else "other", phase_seconds[name])
            for name in phases_of([phase_seconds])
        ),
        scale,
    )
