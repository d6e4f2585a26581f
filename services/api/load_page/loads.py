"""The loads a report tells of, as bars on one scale beside the limits of their storages."""

from dataclasses import dataclass

from services.api.load_page.phases import phases_of, stack_phases
from services.api.page_kit.bars import Segment
from services.api.page_kit.scales import Scale
from shared.messages.message import Message, say
from shared.messages.render import told
from shared.reports.load import LoadReport, LoadRun

_ROUNDING = 0.01  # of a load


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
    return run.model_copy(
        update={"phase_seconds": {**run.phase_seconds, told(say("untimed-label")): untimed}}
    )


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
                note=told(_note(run)),
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
        return told(say("below-limit-row"))
    return told(say("times-the-limit-row", times=f"{seconds / limit_seconds:.2f}"))


def run_name(run: LoadRun) -> str:
    return told(say("run-title", run=run.name))


def _note(run: LoadRun) -> Message:
    """What was in memory; and that phases which went on at once take more together than the load did."""
    phases = sum(run.phase_seconds.values())
    if phases <= (1 + _ROUNDING) * run.total_seconds:
        return _cached(run)
    return say("phases-overlap-row", note=_cached(run), phases_seconds=phases)


def _cached(run: LoadRun) -> Message:
    cached, total = run.cached_bytes_before, run.weight_bytes
    if run.name == "resident":
        return say("resident-note-row", weight_bytes=total)
    if cached is None:
        return say("cached-unknown-note-row", weight_bytes=total)
    if cached <= 0:
        return say("nothing-cached-note-row", weight_bytes=total)
    if cached >= total:
        return say("all-cached-note-row", weight_bytes=total)
    return say("part-cached-note-row", weight_bytes=total, cached_bytes=cached)
