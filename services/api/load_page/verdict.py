"""The report in a sentence or two: why a load takes as long as it does, what helps, what it brought."""

from services.api.load_page.loads import main_run
from services.api.load_page.remedies import RankedRemedy, Remedies, times_as_fast
from services.api.page_kit.verdict import Verdict, sentence
from shared.messages.render import told
from shared.reports.finding import Finding
from shared.reports.load import LoadReport, LoadRun
from shared.units import duration, rate, size

_MOST = 0.5  # a part that takes more of the load than this is what the load is about
_NOTHING_SECONDS = 0.5  # a saving that nobody notices
_STORAGES = {
    "network": "network storage",
    "host share": "host share",
    "fuse": "FUSE filesystem",
    "memory": "memory filesystem",
}


def verdict(report: LoadReport, remedies: Remedies) -> Verdict:
    help_ = _help(report, remedies.ranked[0]) if remedies.ranked else ""
    why, seen = _why(report, anything_helps=bool(help_))
    brought = _brought(report)
    more = [("Why", why)] if brought else []
    if seen:
        more.append(("What was seen", seen))
    if help_:
        more.append(("What helps most", help_))
    return Verdict.of(brought or why, more)


def storage_word(report: LoadReport) -> str:
    return _STORAGES.get(report.facts.storage.storage_class, "disk")


def disk_seconds(report: LoadReport, run: LoadRun) -> float | None:
    """How much of a load the storage's limit explains; None where its bytes came from memory or elsewhere."""
    uncached = run.weight_bytes - (run.cached_bytes_before or 0)
    if run.limit_seconds is None or run.cached_bytes_before is None or run.weight_bytes <= 0:
        return None
    reading = run.phase_seconds.get("read", 0.0) + run.phase_seconds.get("deserialize", 0.0)
    return min(reading, run.limit_seconds * max(0, uncached) / run.weight_bytes)


def _why(report: LoadReport, *, anything_helps: bool) -> tuple[str, str]:
    """(the cause, what was seen of it where that says more than a number)"""
    cause = next((finding for finding in report.findings if finding.severity != "info"), None)
    run = main_run(report)
    if cause is not None and cause.severity == "error":
        return sentence(told(cause.title)), "".join(told(one) for one in cause.evidence[:1])
    said = _parts(report, run) if run else _untried(report)
    content = _content(report) if run and not anything_helps else ""
    advice = _advice(report, cause) if cause else content
    return f"{said} {advice}".strip(), ""


def _content(report: LoadReport) -> str:
    """Where nothing helps: what jobs do already, else that all is well."""
    kept = {run.name: run for run in report.summary.runs}
    prepared = kept.get("prepared_cold") or kept.get("prepared")
    if prepared is None:
        return "Nothing to mend."
    return f"Jobs load the prepared copy instead, which took {duration(prepared.total_seconds)}."


def _untried(report: LoadReport) -> str:
    least = _least(report)
    if least is None:
        return "No load was tried, and how fast the storage is could not be measured."
    return f"No load was tried. From this {storage_word(report)} it takes at least {least}."


def _parts(report: LoadReport, run: LoadRun) -> str:
    """The load's seconds, and which part most of them are."""
    total, seconds = duration(run.total_seconds), run.phase_seconds
    limit, word = report.summary.limit_bytes_per_second, storage_word(report)
    disk = disk_seconds(report, run) or 0.0
    quantizing = seconds.get("quantize", 0.0)
    fixed = seconds.get("resolve", 0.0) + seconds.get("rest", 0.0)
    most = _MOST * run.total_seconds
    if limit and disk > most:
        return f"{total}, of which {duration(disk)} is the {word}: {size(run.weight_bytes)} at {rate(limit)}."
    if run.name == "resident":
        return f"In memory already; the load that brought it there took {total}."
    if quantizing > most:
        return f"{total}, of which {duration(quantizing)} is quantizing to 4 bits."
    if fixed > most:
        return f"{total}, of which {duration(fixed)} does not depend on the weights."
    if _is_cached(run) and (least := _least(report)):
        return f"{total}, the files being in memory already; from the {word} it takes at least {least}."
    against = f"; the {word} alone needs {duration(run.limit_seconds)}" if run.limit_seconds else ""
    return f"{total} for {size(run.weight_bytes)}{against}."


def _is_cached(run: LoadRun) -> bool:
    return run.cached_bytes_before is not None and run.cached_bytes_before > 0.9 * run.weight_bytes


def _least(report: LoadReport) -> str | None:
    summary = report.summary
    if summary.limit_seconds is None or summary.limit_bytes_per_second is None:
        return None
    return (
        f"{duration(summary.limit_seconds)}: {size(summary.weight_bytes)} at "
        f"{rate(summary.limit_bytes_per_second)}"
    )


def _advice(report: LoadReport, cause: Finding) -> str:
    if cause.id == "bandwidth-bound":
        other = "another" if storage_word(report) == "disk" else "a local"
        return f"Fewer bytes or {other} disk helps, no flag does."
    return sentence(told(cause.title))


def _help(report: LoadReport, best: RankedRemedy) -> str:
    remedy, action = best.remedy, sentence(told(best.remedy.action))
    only_news = all(finding.severity == "info" for finding in report.findings)
    if only_news and (remedy.saves_seconds or 0.0) < _NOTHING_SECONDS:
        return ""
    if not remedy.saves_seconds:
        return action
    then = ""
    if remedy.predicted_seconds is not None:
        then = f", which then takes {duration(remedy.predicted_seconds)}"
    assumption = f" {told(remedy.assumption)}" if remedy.assumption else ""
    return f"{action} It saves about {duration(remedy.saves_seconds)} of a load{then}.{assumption}"


def _brought(report: LoadReport) -> str | None:
    """Of all remedies carried out together: the first load before, the last load after."""
    measured = [done.measured_seconds for done in report.applied if done.measured_seconds is not None]
    before = [done.before_seconds for done in report.applied if done.before_seconds is not None]
    if not measured or not before:
        return None
    faster = times_as_fast(before[0], measured[-1]) or "no gain"
    return f"{duration(before[0])} before, {duration(measured[-1])} now: {faster}."
