"""A plan that needs less memory, for rows that did not fit: the same rows, the same sums, more slowly."""

from dataclasses import dataclass, replace
from typing import Any

from services.worker.computing.plan.plan import Plan
from shared.messages.message import Message, say


@dataclass(frozen=True)
class MicroBatchSize:
    """Of one micro-batch: its rows, and its tokens as the plan's budget of tokens counts them."""

    rows: int
    tokens: int


def smaller_plan(
    plan: Plan, size: MicroBatchSize, failures: int, *, quantized: bool = True
) -> tuple[Plan, list[Message]] | None:
    """What to try once a micro-batch of `size` ran out of memory for the `failures`-th time in a row, and
    what of the plan is other now, as sentences. None: there is nothing left to give up.

    First micro-batches of half the size. Then, and where it was a single row, all layers are computed again
    in the backward pass and no weight stays dequantized, if any is `quantized`. Where that is so already:
    half the size again.
    """
    ways = [halved(plan, size), _leanest(plan, quantized)]
    for changed in ways if failures == 1 else reversed(ways):
        if changed is not None:
            return changed
    return None


def no_larger(plan: Plan, limit: Plan) -> Plan:
    """`plan` with micro-batches no larger than those of `limit`."""
    rows = [p.rows_per_micro_batch for p in (plan, limit) if p.rows_per_micro_batch is not None]
    return replace(
        plan,
        tokens_per_micro_batch=min(plan.tokens_per_micro_batch, limit.tokens_per_micro_batch),
        rows_per_micro_batch=min(rows, default=None) if plan.rows_per_micro_batch is not None else None,
    )


def halved(plan: Plan, size: MicroBatchSize) -> tuple[Plan, list[Message]] | None:
    """None for a single row: it is in one piece."""
    if size.rows == 1:
        return None
    tokens = max(1, min(plan.tokens_per_micro_batch, size.tokens) // 2)
    if plan.rows_per_micro_batch is None:
        return replace(plan, tokens_per_micro_batch=tokens), [say("micro-batches-halved", tokens=tokens)]
    rows = max(1, min(plan.rows_per_micro_batch, size.rows) // 2)
    smaller = replace(plan, tokens_per_micro_batch=tokens, rows_per_micro_batch=rows)
    return smaller, [say("micro-batches-of-fewer-rows", rows=rows)]


def _leanest(plan: Plan, quantized: bool) -> tuple[Plan, list[Message]] | None:
    changes, said = dict[str, Any](), list[Message]()
    if not plan.gradient_checkpointing or plan.recompute_every > 1:
        changes |= {"gradient_checkpointing": True, "recompute_every": 1}
        said.append(say("all-layers-recomputed"))
    if quantized and plan.weights != "use":
        changes |= {"weights": "use", "off": {**plan.off, "weights": say("weights-were-in-the-way")}}
        said.append(say("weights-let-go"))
    return (replace(plan, **changes), said) if changes else None
