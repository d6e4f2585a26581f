"""The four numbers of a report: the load, its limit, what is predicted, what was measured."""

from services.api.load_page.loads import against_limit, main_run
from services.api.load_page.remedies import Remedies
from services.api.load_page.verdict import storage_word
from services.api.page_kit.figure import NONE, Figure
from shared.messages.message import Message, say
from shared.messages.render import told
from shared.reports.load import LoadReport
from shared.reports.load_rows import run_label
from shared.units import duration, rate, size


def key_figures(report: LoadReport, remedies: Remedies) -> tuple[Figure, ...]:
    """Always four, so that what is missing is seen to be missing."""
    return (_load(report), _limit(report), _predicted(remedies), _measured(report))


def _load(report: LoadReport) -> Figure:
    run = main_run(report)
    label = say("load-figure-label")
    if run is None:
        return _none(label, say("it-failed-row" if report.facts.trial_failure else "not-tried-row"))
    note = run_label(run.name)
    if run.limit_seconds:
        against = against_limit(run.total_seconds, run.limit_seconds)
        note = say("run-against-limit-row", run=note, against=against)
    return Figure(told(label), duration(run.total_seconds), told(note))


def _limit(report: LoadReport) -> Figure:
    summary = report.summary
    label = say("storage-limit-figure-label", storage=storage_word(report))
    if summary.limit_seconds is None or summary.limit_bytes_per_second is None:
        return _none(label, say("rate-unknown-row"))
    sum_ = f"{size(summary.weight_bytes)} ÷ {rate(summary.limit_bytes_per_second)}"
    return Figure(told(label), duration(summary.limit_seconds), sum_)


def _predicted(remedies: Remedies) -> Figure:
    label = say("best-remedy-figure-label")
    first = remedies.ranked[0] if remedies.ranked else None
    if first is not None and first.is_needed:
        return _none(label, say("makes-it-load-row"))
    if first is None or not (best := first.remedy).saves_seconds:
        return _none(label, say("no-saving-row"))
    if best.predicted_seconds is None:
        note = say("predicted-saving-row")
        if best.assumption:
            note = say("said-and-assumed", said=say("predicted-saving"), assumption=best.assumption)
        return Figure(told(label), f"−{duration(best.saves_seconds)}", told(note))
    note = say("predicted-less-row", saved_seconds=best.saves_seconds)
    return Figure(told(label), duration(best.predicted_seconds), told(note))


def _measured(report: LoadReport) -> Figure:
    done = [one for one in report.applied if one.measured_seconds is not None]
    label = say("measured-figure-label")
    if not done:
        return _none(label, say("nothing-applied-row"))
    last, note = done[-1], ""
    if last.predicted_seconds is not None:
        note = told(say("predicted-row", load_seconds=last.predicted_seconds))
    return Figure(told(label), duration(last.measured_seconds or 0.0), note)


def _none(label: Message, why: Message) -> Figure:
    return Figure(told(label), NONE, told(why))
