"""What each factor costs: a row each, with how many times as fast its change makes a step."""

from dataclasses import dataclass

from services.api.page_kit.scales import LogScale, Tick
from services.api.page_kit.shares import times
from shared.messages.message import say
from shared.messages.render import told
from shared.reports.training_facts import FactorCost
from shared.units import duration, size


@dataclass(frozen=True)
class FactorRow:
    """`start` and `width`: the bar from 1 to the ratio; `low` and `high`: the interval's ends. Percent, None
    where nothing was measured. `is_slower`: the change costs.
    """

    name: str
    as_is: str
    changed: str
    basis: str
    basis_words: str
    advice: str
    seconds: str
    peaks: str
    ratio: str
    interval: str
    learning: str
    same_learning: bool
    is_slower: bool
    start: float | None
    width: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class FactorChart:
    rows: tuple[FactorRow, ...]
    one_at: float
    ticks: tuple[Tick, ...]


def factor_chart(costs: tuple[FactorCost, ...]) -> FactorChart | None:
    """In the report's order, the largest gain first; None where nothing was tried."""
    if not costs:
        return None
    ends = [ratio for cost in costs for ratio in (cost.ratio, cost.ratio_low, cost.ratio_high) if ratio]
    scale = LogScale.of_ratios(ends)
    return FactorChart(
        rows=tuple(_row(cost, scale) for cost in costs),
        one_at=scale.percent(1.0),
        ticks=scale.doublings,
    )


def _row(cost: FactorCost, scale: LogScale) -> FactorRow:
    ends = sorted([scale.percent(1.0), scale.percent(cost.ratio)]) if cost.ratio else None
    low, high = cost.ratio_low, cost.ratio_high
    return FactorRow(
        name=told(say("factor-label", factor=cost.factor)),
        as_is=cost.as_is,
        changed=cost.changed,
        basis=cost.basis,
        basis_words=told(say("basis-label", basis=cost.basis)),
        advice=told(cost.advice),
        seconds=_seconds(cost),
        peaks=_peaks(cost),
        ratio=times(cost.ratio) if cost.ratio else "–",
        interval=told(say("interval-row", low=f"{low:.2f}", high=f"{high:.2f}", rounds=cost.rounds))
        if low and high
        else "",
        learning=told(say("learns-the-same-label" if cost.same_learning else "learns-otherwise-label")),
        same_learning=cost.same_learning,
        is_slower=cost.ratio is not None and cost.ratio < 1,
        start=ends[0] if ends else None,
        width=round(ends[1] - ends[0], 2) if ends else 0.0,
        low=scale.percent(low) if low and high else None,
        high=scale.percent(high) if low and high else None,
    )


def _seconds(cost: FactorCost) -> str:
    now, then = cost.as_is_seconds, cost.changed_seconds
    return "–" if now is None or then is None else f"{duration(now)} → {duration(then)}"


def _peaks(cost: FactorCost) -> str:
    now, then = cost.as_is_peak_bytes, cost.changed_peak_bytes
    if now and then:
        return f"{size(now)} → {size(then)}"
    return size(then or now or 0) if then or now else "–"
