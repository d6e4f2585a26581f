"""The loads a report tells of, as bars on one scale beside the limits of their storages."""

from dataclasses import dataclass

from services.api.load_page.phases import phases_of, stack_phases
from services.api.page_kit.bars import Segment
from services.api.page_kit.scales import Scale
from shared.reports.load import LoadReport, LoadRun
from shared.units import duration, size

UNTIMED = "not timed"
_ROUNDING = 0.01  # of a load
_NAMES = {
    "as_found": "As found",
    "cold": "Cold",
    "warm": "Warm",
    "prepared_cold": "Prepared, cold",
    "prepared": "Prepared, warm",
    "resident": "In memory already",
}


@dataclass(frozen=True)
class LoadBar:
    """One load; `limit_at` is where its limit stands, in percent of the width."""

    name: str
    note: str
    run: LoadRun
    segments: tuple[Segment, ...]
    limit_at: float | None


@dataclass(frozen=True)
class LoadChart:
    bars: tuple[LoadBar, ...]
    phases: tuple[str, ...]
    scale: Scale


def runs_of(report: LoadReport) -> tuple[LoadRun, ...]:
    """All loads; of a report that tells of one only, that one."""
    return tuple(_whole(run) for run in _told_runs(report))


def _told_runs(report: LoadReport) -> tuple[LoadRun, ...]:
    summary, trial = report.summary, report.facts.trial
    if summary.runs or summary.total_seconds is None:
        return summary.runs
    of_these_files = trial is None or trial.folder == report.facts.checkpoint.folder
    return (
        LoadRun(
            name="resident" if trial and trial.source == "resident" else "as_found",
            total_seconds=summary.total_seconds,
            phase_seconds=summary.phase_seconds or {},
            weight_bytes=trial.weight_bytes if trial else summary.weight_bytes,
            limit_seconds=summary.limit_seconds if of_these_files else None,
            cached_bytes_before=trial.cached_bytes_before if trial else None,
        ),
    )


def _whole(run: LoadRun) -> LoadRun:
    """With what no phase accounts for, so that a bar is as long as the load took."""
    untimed = run.total_seconds - sum(run.phase_seconds.values())
    if not run.phase_seconds or untimed <= _ROUNDING * run.total_seconds:
        return run
    return run.model_copy(update={"phase_seconds": {**run.phase_seconds, UNTIMED: untimed}})


def main_run(report: LoadReport) -> LoadRun | None:
    """The load that the report is about: the cold one where there is one."""
    runs = {run.name: run for run in reversed(runs_of(report))}
    first = next(iter(runs_of(report)), None)
    return runs.get("cold") or runs.get("as_found") or first


def load_chart(report: LoadReport) -> LoadChart:
    runs = runs_of(report)
    scale = Scale.over(
        seconds
        for run in runs
        for seconds in (run.total_seconds, sum(run.phase_seconds.values()), run.limit_seconds)
    )
    return LoadChart(
        bars=tuple(
            LoadBar(
                name=run_name(run),
                note=_cached(run) + _overlap(run),
                run=run,
                segments=stack_phases(run.phase_seconds, scale),
                limit_at=None if run.limit_seconds is None else scale.percent(run.limit_seconds),
            )
            for run in runs
        ),
        phases=phases_of(run.phase_seconds for run in runs),
        scale=scale,
    )


def against_limit(seconds: float, limit_seconds: float) -> str:
    """How near a load is to the limit; one below it shows that the limit was measured too low."""
    if seconds < limit_seconds * (1 - _ROUNDING):
        return "less than the limit: the storage reads faster than it did while it was measured"
    return f"{seconds / limit_seconds:.2f} times the limit"


def run_name(run: LoadRun) -> str:
    return _NAMES.get(run.name, run.name)


def _overlap(run: LoadRun) -> str:
    """Phases that went on at once take more together than the load did."""
    phases = sum(run.phase_seconds.values())
    if phases <= (1 + _ROUNDING) * run.total_seconds:
        return ""
    return f"; its phases overlap and sum to {duration(phases)}"


def _cached(run: LoadRun) -> str:
    cached, total = run.cached_bytes_before, run.weight_bytes
    if run.name == "resident":
        return f"the load that brought it there, {size(total)}"
    if cached is None:
        return f"{size(total)}; how much was in memory before is not known"
    if cached <= 0:
        return f"{size(total)}, nothing of it in memory before"
    return f"{size(total)}, {'all' if cached >= total else size(cached)} of it in memory before"
