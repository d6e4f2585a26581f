"""The few numbers that say how a load went, against the fastest its storage allows."""

from services.worker.diagnosis.checks.speed import achieved_ratio, told_by_storage
from services.worker.diagnosis.facts import LoadFacts
from shared.schemas import Frozen


class LoadSummary(Frozen):
    """Null where it was not measured."""

    weight_bytes: int
    shards: int
    limit_bytes_per_second: float | None = None
    limit_seconds: float | None = None
    """weight_bytes ÷ limit: no load from this storage is faster."""
    total_seconds: float | None = None
    phase_seconds: dict[str, float] | None = None
    shard_seconds: float | None = None
    """Of everything done for the tensors, a shard."""
    achieved_ratio: float | None = None
    """Rate of the load's reading over the limit; only where its bytes came from storage."""


def summarize(facts: LoadFacts) -> LoadSummary:
    """Compute the summary of `facts`."""
    total, trial, limit = facts.checkpoint.opened_bytes, facts.trial, facts.limit_bytes_per_second
    loop_seconds = trial.shard_loop_seconds if trial else 0.0
    from_storage = told_by_storage(facts)
    return LoadSummary(
        weight_bytes=total,
        shards=facts.checkpoint.shards,
        limit_bytes_per_second=limit,
        limit_seconds=facts.read_seconds(total),
        total_seconds=trial.total_seconds if trial else None,
        phase_seconds=trial.phase_seconds if trial else None,
        shard_seconds=loop_seconds / facts.checkpoint.shards if loop_seconds else None,
        achieved_ratio=achieved_ratio(from_storage, limit) if from_storage and limit else None,
    )
