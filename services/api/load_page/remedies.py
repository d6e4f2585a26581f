"""What would help, best first, and what was done: predicted beside measured."""

from collections.abc import Iterator
from dataclasses import dataclass

from services.api.load_page.loads import against_limit, main_run
from services.api.page_kit.bars import Bar
from services.api.page_kit.scales import Scale
from shared.messages.message import Message, say
from shared.messages.render import told
from shared.reports.finding import AppliedRemedy, Remedy
from shared.reports.load import LoadReport

_WORTH_A_WORD = 1.05  # from this ratio on two times differ


@dataclass(frozen=True)
class RankedRemedy:
    """`findings`: the numbers of those that offer it; `is_needed`: one of them prevents the load.

    `bars`: seconds saved, predicted and measured.
    """

    number: int
    remedy: Remedy
    findings: tuple[int, ...]
    is_needed: bool
    bars: tuple[Bar, ...]
    measured_seconds: float | None


@dataclass(frozen=True)
class Remedies:
    ranked: tuple[RankedRemedy, ...]
    scale: Scale


@dataclass(frozen=True)
class Outcome:
    """What one remedy brought: its loads as bars, before to after."""

    applied: AppliedRemedy
    bars: tuple[Bar, ...]
    limit_at: float | None
    words: str


def ranked_remedies(report: LoadReport) -> Remedies:
    """Each remedy once: those the load needs, then by the seconds saved; else the findings' order stays."""
    offered: dict[tuple[str, str | None], tuple[Remedy, list[int]]] = {}
    for number, finding in enumerate(report.findings, start=1):
        for remedy in finding.remedies:
            words = (told(remedy.action), remedy.command)
            kept, numbers = offered.get(words, (remedy, []))
            offered[words] = (max(kept, remedy, key=_saves), [*numbers, number])
    needed = {
        number for number, finding in enumerate(report.findings, start=1) if finding.severity == "error"
    }
    order = sorted(offered.values(), key=lambda offer: (needed.isdisjoint(offer[1]), -_saves(offer[0])))
    scale = Scale.over([_load_now(report), *(_saves(remedy) for remedy, _ in order)])
    return Remedies(
        ranked=tuple(
            RankedRemedy(
                number=number,
                remedy=remedy,
                findings=tuple(findings),
                is_needed=not needed.isdisjoint(findings),
                bars=tuple(_savings(remedy, done := _carried_out(remedy, report), scale)),
                measured_seconds=done.measured_seconds if done else None,
            )
            for number, (remedy, findings) in enumerate(order, start=1)
        ),
        scale=scale,
    )


def outcomes(report: LoadReport) -> tuple[Outcome, ...]:
    """One for each remedy the job carried out, all on one scale."""
    scale = Scale.over(
        seconds
        for done in report.applied
        for seconds in (
            done.before_seconds,
            done.predicted_seconds,
            done.measured_seconds,
            done.limit_seconds,
        )
    )
    return tuple(
        Outcome(
            applied=done,
            bars=tuple(
                Bar(name, told(label), seconds, scale.percent(seconds))
                for name, label, seconds in (
                    ("before", say("before-label"), done.before_seconds),
                    ("predicted", say("predicted-label"), done.predicted_seconds),
                    ("measured", say("measured-label"), done.measured_seconds),
                )
                if seconds is not None
            ),
            limit_at=None if done.limit_seconds is None else scale.percent(done.limit_seconds),
            words=", ".join(told(said) for said in _outcome_words(done)),
        )
        for done in report.applied
    )


def times_as_fast(before: float, after: float) -> Message | None:
    """`4.7 times as fast`; None where the difference is not worth a word."""
    if after <= 0 or before / after < _WORTH_A_WORD:
        return None
    return say("times-as-fast-piece", times=f"{before / after:.1f}")


def _outcome_words(done: AppliedRemedy) -> Iterator[str | Message]:
    before, predicted, after = done.before_seconds, done.predicted_seconds, done.measured_seconds
    if after is None:
        yield say("not-measured-row")
        return
    if before is not None:
        yield say("less-row" if before >= after else "more-row", difference_seconds=abs(before - after))
        if faster := times_as_fast(before, after):
            yield faster
    if predicted:
        off = after / predicted - 1
        yield say("above-prediction-row" if off >= 0 else "below-prediction-row", off_ratio=abs(off))
    if done.limit_seconds:
        yield against_limit(after, done.limit_seconds)


def _carried_out(remedy: Remedy, report: LoadReport) -> AppliedRemedy | None:
    """What became of `remedy` in this job: a move that was taken back, say, which is offered nevertheless.

    By its kind and place, since a finding's words say what to do and the job's what it did.
    """
    wanted = (remedy.kind, remedy.storage)
    return next((done for done in report.applied if (done.remedy, done.storage) == wanted), None)


def _savings(remedy: Remedy, done: AppliedRemedy | None, scale: Scale) -> Iterator[Bar]:
    if remedy.saves_seconds:
        label = told(say("predicted-label"))
        yield Bar("predicted", label, remedy.saves_seconds, scale.percent(remedy.saves_seconds))
    if done and done.before_seconds is not None and done.measured_seconds is not None:
        saved = done.before_seconds - done.measured_seconds
        yield Bar("measured", told(say("measured-label")), saved, scale.percent(saved))


def _saves(remedy: Remedy) -> float:
    return -1.0 if remedy.saves_seconds is None else remedy.saves_seconds


def _load_now(report: LoadReport) -> float | None:
    run = main_run(report)
    return run.total_seconds if run else report.summary.limit_seconds
