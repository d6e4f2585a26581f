"""The four numbers of a report: the load, its limit, what is predicted, what was measured."""

from services.api.load_page.loads import against_limit, main_run, run_name
from services.api.load_page.remedies import Remedies
from services.api.load_page.verdict import storage_word
from services.api.page_kit.figure import NONE, Figure
from shared.messages.render import told
from shared.reports.load import LoadReport
from shared.units import duration, rate, size


def key_figures(report: LoadReport, remedies: Remedies) -> tuple[Figure, ...]:
    """Always four, so that what is missing is seen to be missing."""
    return (_load(report), _limit(report), _predicted(remedies), _measured(report))


def _load(report: LoadReport) -> Figure:
    run = main_run(report)
    if run is None:
        failure = report.facts.trial_failure
        return Figure("Load", NONE, "it failed" if failure else "not tried")
    note = run_name(run).lower()
    if run.limit_seconds:
        note += f", {against_limit(run.total_seconds, run.limit_seconds)}"
    return Figure("Load", duration(run.total_seconds), note)


def _limit(report: LoadReport) -> Figure:
    summary = report.summary
    label = f"Limit of the {storage_word(report)}"
    if summary.limit_seconds is None or summary.limit_bytes_per_second is None:
        return Figure(label, NONE, "its rate is not known")
    sum_ = f"{size(summary.weight_bytes)} ÷ {rate(summary.limit_bytes_per_second)}"
    return Figure(label, duration(summary.limit_seconds), sum_)


def _predicted(remedies: Remedies) -> Figure:
    label = "After the best remedy"
    first = remedies.ranked[0] if remedies.ranked else None
    if first is not None and first.is_needed:
        return Figure(label, NONE, "it makes the model load")
    if first is None or not (best := first.remedy).saves_seconds:
        return Figure(label, NONE, "no remedy is predicted to save time")
    if best.predicted_seconds is None:
        assumption = f". {told(best.assumption)}" if best.assumption else ""
        return Figure(label, f"−{duration(best.saves_seconds)}", f"predicted saving{assumption}")
    return Figure(label, duration(best.predicted_seconds), f"predicted, {duration(best.saves_seconds)} less")


def _measured(report: LoadReport) -> Figure:
    done = [one for one in report.applied if one.measured_seconds is not None]
    if not done:
        return Figure("Measured after it", NONE, "nothing was applied in this job")
    last = done[-1]
    note = f"predicted {duration(last.predicted_seconds)}" if last.predicted_seconds is not None else ""
    return Figure("Measured after it", duration(last.measured_seconds or 0.0), note)
