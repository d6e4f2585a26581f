"""Where a step goes: its seconds as one bar, waste and waiting told apart, and what is left of it after."""

from collections.abc import Iterator
from dataclasses import dataclass

from services.api.page_kit.bars import Segment, stack
from services.api.page_kit.scales import Scale
from shared.messages.message import Message, say
from shared.messages.render import told
from shared.reports.training import TrainingReport
from shared.reports.training_text import change_words, phases_of_step
from shared.reports.training_verdict import then_seconds

_BY_TOKENS = ("forward", "backward", "head_and_loss", "computing")
"""What takes as long for an empty token as for another; dequantizing weights does not depend on tokens."""
_WORK = ("forward", "backward", "dequantizing", "head_and_loss", "computing", "optimizer")
_WASTE = ("empty", "recomputation")
_WAITS = ("data", "copy", "logging", "rest")

Part = tuple[str, str, float]
"""(name, phase, seconds)"""


@dataclass(frozen=True)
class PhaseRow:
    """One phase of the table: `empty_seconds` of it went into empty tokens."""

    name: str
    phase: str
    seconds: float
    share: float
    empty_seconds: float


@dataclass(frozen=True)
class StepAfter:
    """What is left of a step after `change`. `is_split`: its phases were timed; else they are those of the
    step as it is without the waste, in proportion.
    """

    change: str
    seconds: float
    bar: tuple[Segment, ...]
    is_split: bool


@dataclass(frozen=True)
class StepBars:
    """`bar` is the step as it is; `after` is on the same scale."""

    step_seconds: float
    bar: tuple[Segment, ...]
    rows: tuple[PhaseRow, ...]
    after: StepAfter | None


def step_bars(report: TrainingReport) -> StepBars | None:
    """None where nothing of a step was told apart."""
    split = report.facts.step
    phases = phases_of_step(split)
    if not phases or split.step_seconds <= 0:
        return None
    empty_ratio = report.facts.tokens.padding_ratio
    parts = _parts(phases, empty_ratio)
    scale = Scale(split.step_seconds)
    return StepBars(
        step_seconds=split.step_seconds,
        bar=stack(parts, scale),
        rows=tuple(_rows(phases, empty_ratio, split.step_seconds)),
        after=_after(report, parts, scale),
    )


def _after(report: TrainingReport, parts: list[Part], scale: Scale) -> StepAfter | None:
    """The end of the path, split where that was timed, else the first remedy."""
    change = _change(report)
    if change is None:
        return None
    words, seconds, gone = change
    auto = report.facts.auto_step
    if auto is not None and report.facts.path and (phases := phases_of_step(auto)):
        empty = max(0.0, 1 - auto.real_tokens / auto.computed_tokens) if auto.computed_tokens else 0.0
        left = _parts(phases, empty)
        return StepAfter(told(words), auto.step_seconds, stack(left, scale), is_split=True)
    return StepAfter(told(words), seconds, stack(_left(parts, gone, seconds), scale), is_split=False)


def phase_name(phase: str) -> str:
    return told(say("phase-of-step-label", phase=phase))


def _empty(phase: str, seconds: float, empty_ratio: float) -> float:
    return seconds * empty_ratio if phase in _BY_TOKENS else 0.0


def _parts(phases: dict[str, float], empty_ratio: float) -> list[Part]:
    """Work on real tokens, then waste, then what waits; each second once."""
    empties = {name: _empty(name, seconds, empty_ratio) for name, seconds in phases.items()}
    amounts = {name: seconds - empties[name] for name, seconds in phases.items()}
    amounts["empty"] = sum(empties.values())
    others = [name for name in phases if name not in (*_WORK, *_WASTE, *_WAITS)]
    return [
        (phase_name(name), name if name not in others else "other", amounts[name])
        for name in (*_WORK, *_WASTE, *others, *_WAITS)
        if amounts.get(name, 0.0) > 0
    ]


def _rows(phases: dict[str, float], empty_ratio: float, step_seconds: float) -> Iterator[PhaseRow]:
    for name, seconds in phases.items():
        known = name in (*_WORK, *_WASTE, *_WAITS)
        yield PhaseRow(
            phase_name(name),
            name if known else "other",
            seconds,
            seconds / step_seconds,
            _empty(name, seconds, empty_ratio),
        )


def _change(report: TrainingReport) -> tuple[Message, float, tuple[str, ...]] | None:
    """(what is changed, a step's seconds then, the waste that is gone then): the end of the path, else the
    first remedy.
    """
    now = report.facts.step.step_seconds
    if report.facts.path and (last := report.facts.path[-1]).step_seconds < now:
        recomputes = bool((report.facts.plan or {}).get("gradient_checkpointing"))
        return change_words(last.change), last.step_seconds, _WASTE[: 1 if recomputes else 2]
    first = report.findings[0] if report.findings else None
    then = then_seconds(report, first) if first else None
    if first is None or then is None:
        return None
    gone = {"padding": ("empty",), "recomputation": ("recomputation",)}.get(first.id, ())
    return say("first-remedy-label"), then, gone


def _left(parts: list[Part], gone: tuple[str, ...], seconds: float) -> list[Part]:
    """Without what is gone, in proportion, as long as a step takes then."""
    kept = [part for part in parts if part[1] not in gone]
    whole = sum(amount for _, _, amount in kept) or 1.0
    return [(name, phase, amount * seconds / whole) for name, phase, amount in kept]
