"""The few numbers that say how a load went, against the fastest its storage allows."""

from services.worker.diagnosis import predictions
from services.worker.diagnosis.checks.speed import achieved_ratio, told_by_storage
from shared.reports.load import LoadRun, LoadSummary, RunName
from shared.reports.load_facts import LoadFacts, TrialLoad


def summarize(facts: LoadFacts) -> LoadSummary:
    """Compute the summary of `facts`."""
    total, trial, limit = facts.checkpoint.opened_bytes, facts.trial, facts.limit_bytes_per_second
    loop_seconds = trial.shard_loop_seconds if trial else 0.0
    from_storage = told_by_storage(facts)
    runs = _runs(facts)
    named = {run.name: run.total_seconds for run in runs}
    in_noise = _warm_is_slower(named)
    return LoadSummary(
        weight_bytes=total,
        shards=facts.checkpoint.shards,
        limit_bytes_per_second=limit,
        limit_seconds=facts.read_seconds(total),
        total_seconds=trial.total_seconds if trial else None,
        phase_seconds=trial.phase_seconds if trial else None,
        shard_seconds=loop_seconds / facts.checkpoint.shards if loop_seconds else None,
        achieved_ratio=achieved_ratio(from_storage, limit) if from_storage and limit else None,
        runs=runs,
        storage_seconds=None if in_noise else _storage_seconds(facts),
        storage_in_noise=in_noise,
        quantize_seconds=_quantize_seconds(facts, named),
        fixed_seconds=named.get("prepared"),
    )


def _runs(facts: LoadFacts) -> tuple[LoadRun, ...]:
    data = facts.target("data")
    copy_limit = data.limit_bytes_per_second if data else None
    checkpoint = [
        _run("warm" if run.is_warm else "cold" if run.is_cold else "as_found", run, facts.limit_of(run))
        for run in facts.checkpoint_runs
    ]
    copy = [_run("prepared" if run.is_warm else "prepared_cold", run, copy_limit) for run in facts.prepared]
    return (*checkpoint, *copy)


def _run(name: RunName, run: TrialLoad, limit: float | None) -> LoadRun:
    return LoadRun(
        name=name,
        total_seconds=run.total_seconds,
        phase_seconds=run.phase_seconds,
        weight_bytes=run.weight_bytes,
        cached_bytes_before=run.cached_bytes_before,
        limit_seconds=run.weight_bytes / limit if limit and not run.is_warm else None,
    )


def _warm_is_slower(seconds: dict[RunName, float]) -> bool:
    return "cold" in seconds and "warm" in seconds and seconds["warm"] >= seconds["cold"]


def _storage_seconds(facts: LoadFacts) -> float | None:
    """None where either run was not made. Other phases have no part in it: one of them may have been slow."""
    cold, warm = predictions.cold_run(facts), facts.warm_run
    if cold is None or warm is None:
        return None
    return max(0.0, cold.reading_seconds - warm.reading_seconds)


def _quantize_seconds(facts: LoadFacts, seconds: dict[RunName, float]) -> float | None:
    """None where the checkpoint was not loaded warm, or there is no copy; noise does not make it negative."""
    rest = predictions.without_storage(facts)
    if rest is None or "warm" not in seconds or "prepared" not in seconds:
        return None
    return max(0.0, rest - seconds["prepared"])
