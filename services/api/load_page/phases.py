"""The phases of a load, in their order, as stretches of a bar."""

from collections.abc import Iterable, Mapping

from services.api.page_kit.bars import Segment, stack
from services.api.page_kit.scales import Scale

PHASES = {
    "resolve": "config, tokenizer, file headers",
    "read": "weight files into memory",
    "deserialize": "tensors out of the files, cast",
    "quantize": "to 4 bits",
    "move": "to the device",
    "rest": "building the modules, imports",
}


def phases_of(phase_seconds: Iterable[Mapping[str, float]]) -> tuple[str, ...]:
    """Every phase that is timed anywhere, in the order of a load; words of other releases come last."""
    named = {name for seconds in phase_seconds for name in seconds}
    return (*(name for name in PHASES if name in named), *sorted(named - PHASES.keys()))


def stack_phases(phase_seconds: Mapping[str, float], scale: Scale) -> tuple[Segment, ...]:
    """One segment a phase, in the order of a load."""
    return stack(
        (
            (name, name if name in PHASES else "other", phase_seconds[name])
            for name in phases_of([phase_seconds])
        ),
        scale,
    )
