"""The report in a sentence or two: why a load takes as long as it does, what helps, what it brought."""

from services.api.load_page.loads import main_run
from services.api.load_page.remedies import RankedRemedy, Remedies, times_as_fast
from services.api.page_kit.verdict import Verdict, sentence
from shared.messages.message import Message, say
from shared.messages.render import told
from shared.reports.finding import Finding
from shared.reports.load import LoadReport, LoadRun

_MOST = 0.5  # a part that takes more of the load than this is what the load is about
_NOTHING_SECONDS = 0.5  # a saving that nobody notices
_NO_DISK = ("network", "host share", "fuse", "memory")


def verdict(report: LoadReport, remedies: Remedies) -> Verdict:
    help_ = _help(report, remedies.ranked[0]) if remedies.ranked else ""
    why, seen = _why(report, anything_helps=bool(help_))
    brought = _brought(report)
    more = [(told(say("why-label")), why)] if brought else []
    if seen:
        more.append((told(say("what-was-seen-label")), seen))
    if help_:
        more.append((told(say("what-helps-most-label")), help_))
    return Verdict.of(brought or why, more)


def storage_word(report: LoadReport) -> Message:
    return say("storage-word-piece", kind=report.facts.storage.storage_class.replace(" ", "_"))


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
    said = told(_parts(report, run) if run else _untried(report))
    content = told(_content(report)) if run and not anything_helps else ""
    advice = _advice(report, cause) if cause else content
    return f"{said} {advice}".strip(), ""


def _content(report: LoadReport) -> Message:
    """Where nothing helps: what jobs do already, else that all is well."""
    kept = {run.name: run for run in report.summary.runs}
    prepared = kept.get("prepared_cold") or kept.get("prepared")
    if prepared is None:
        return say("nothing-to-improve")
    return say("jobs-load-copy", load_seconds=prepared.total_seconds)


def _untried(report: LoadReport) -> Message:
    summary = report.summary
    if summary.limit_seconds is None or summary.limit_bytes_per_second is None:
        return say("untried-and-unmeasured")
    return say(
        "untried-takes-at-least",
        storage=storage_word(report), limit_seconds=summary.limit_seconds,
        weight_bytes=summary.weight_bytes, limit_bytes_per_second=summary.limit_bytes_per_second,
    )  # fmt: skip


def _parts(report: LoadReport, run: LoadRun) -> Message:
    """The load's seconds, and which part most of them are."""
    total, seconds = run.total_seconds, run.phase_seconds
    limit, word = report.summary.limit_bytes_per_second, storage_word(report)
    disk = disk_seconds(report, run) or 0.0
    quantizing = seconds.get("quantize", 0.0)
    fixed = seconds.get("resolve", 0.0) + seconds.get("rest", 0.0)
    most = _MOST * run.total_seconds
    if limit and disk > most:
        return say(
            "load-of-storage",
            load_seconds=total, storage_seconds=disk, storage=word,
            weight_bytes=run.weight_bytes, limit_bytes_per_second=limit,
        )  # fmt: skip
    if run.name == "resident":
        return say("load-is-past", load_seconds=total)
    if quantizing > most:
        return say("load-of-quantizing", load_seconds=total, quantize_seconds=quantizing)
    if fixed > most:
        return say("load-of-fixed-costs", load_seconds=total, fixed_seconds=fixed)
    if _is_cached(run) and limit and (least := report.summary.limit_seconds) is not None:
        return say(
            "load-of-cached-files",
            load_seconds=total, storage=word, limit_seconds=least,
            weight_bytes=report.summary.weight_bytes, limit_bytes_per_second=limit,
        )  # fmt: skip
    if not run.limit_seconds:
        return say("load-of-bytes", load_seconds=total, weight_bytes=run.weight_bytes)
    return say(
        "load-of-bytes-against-storage",
        load_seconds=total, weight_bytes=run.weight_bytes, storage=word, limit_seconds=run.limit_seconds,
    )  # fmt: skip


def _is_cached(run: LoadRun) -> bool:
    return run.cached_bytes_before is not None and run.cached_bytes_before > 0.9 * run.weight_bytes


def _advice(report: LoadReport, cause: Finding) -> str:
    if cause.id == "bandwidth-bound":
        is_remote = report.facts.storage.storage_class in _NO_DISK
        return told(say("fewer-bytes-or-a-local-disk" if is_remote else "fewer-bytes-or-another-disk"))
    return sentence(told(cause.title))


def _help(report: LoadReport, best: RankedRemedy) -> str:
    remedy, action = best.remedy, sentence(told(best.remedy.action))
    only_news = all(finding.severity == "info" for finding in report.findings)
    if only_news and (remedy.saves_seconds or 0.0) < _NOTHING_SECONDS:
        return ""
    if not remedy.saves_seconds:
        return action
    saved, then = remedy.saves_seconds, remedy.predicted_seconds
    said = say("helps-and-saves", action=action, saved_seconds=saved)
    if then is not None:
        said = say("helps-and-load-then-takes", action=action, saved_seconds=saved, load_seconds=then)
    if remedy.assumption:
        said = say("said-and-assumed", said=said, assumption=remedy.assumption)
    return told(said)


def _brought(report: LoadReport) -> str | None:
    """Of all remedies carried out together: the first load before, the last load after."""
    measured = [done.measured_seconds for done in report.applied if done.measured_seconds is not None]
    before = [done.before_seconds for done in report.applied if done.before_seconds is not None]
    if not measured or not before:
        return None
    faster = times_as_fast(before[0], measured[-1]) or say("no-gain-piece")
    return told(say("before-and-now", before_seconds=before[0], after_seconds=measured[-1], faster=faster))
