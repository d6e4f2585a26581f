"""The plan of a run that goes on: the one it began with, as far as that can still be followed."""

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

from pydantic import TypeAdapter, ValidationError

from services.worker.computing.plan.memory_budget import MemoryBudget
from services.worker.computing.plan.plan import Plan
from shared.messages.message import Message, say

# So much more than its share of the memory a plan that is already followed may take: free memory differs a
# little from one look to the next, and only the same plan resumes to the bit.
FORBEARANCE = 1.5
_PLAN = TypeAdapter(Plan)
_FIELDS = {field.name for field in fields(Plan)} - {"tried"}  # which changes nothing


def resumed_plan(kept: object, fresh: Plan, budget: MemoryBudget) -> tuple[Plan, Message | None]:
    """The plan to go on by, and why it is not the one that the checkpoint `kept`, or None if it is.

    `fresh` is the plan that a new run would have now. No plan changes what is learned, but another one sums
    in another order, so that the last bits differ.
    """
    try:
        began = _PLAN.validate_python(kept)
    except ValidationError as error:
        first = error.errors()[0]
        at = ".".join(str(part) for part in first["loc"])
        return fresh, say("kept-plan-unreadable", field=at or "plan", error=first["msg"])
    if began.own_layers and not fresh.own_layers:
        off = fresh.off.get("own_layers")
        return fresh, say("own-layers-off", reason=off) if off else say("own-layers-not-wanted")
    plan, reason = _within(budget, began, fresh)
    return plan, reason or _other_fields(kept)


def _within(budget: MemoryBudget, began: Plan, fresh: Plan) -> tuple[Plan, Message | None]:
    """`began`, with the choices that depend on memory made anew where they no longer fit."""
    changed: dict[str, Any] = {}
    if not _activations_fit(budget, began) and _takes(budget, fresh) < _takes(budget, began):
        # What is let go depends on what else is kept: all of it is chosen anew. A plan that became smaller
        # because memory ran out may be the smaller of the two.
        for name in ("tokens_per_micro_batch", "gradient_checkpointing", "recompute_every", "weights"):
            changed[name] = getattr(fresh, name)
    elif began.weights != "use" and not budget.keeps_weights(forbearance=FORBEARANCE):
        changed["weights"] = fresh.weights
    if changed.get("weights", began.weights) != began.weights:
        changed["off"] = {**began.off, **fresh.off}
    plan = replace(began, **changed)
    if plan == began:
        return began, None
    names = [name for name in changed if name != "off" and getattr(plan, name) != getattr(began, name)]
    values = [f"{name} {getattr(began, name)} → {getattr(plan, name)}" for name in names]
    return plan, say("plan-memory-too-small", free_bytes=budget.free_bytes, changes=values)


def _activations_fit(budget: MemoryBudget, began: Plan) -> bool:
    """What the request itself asks for is not ours to change."""
    if began.name != "auto":
        return True
    every = began.recompute_every if began.gradient_checkpointing else None
    return budget.fits(began.tokens_per_micro_batch, every, weights=began.weights, forbearance=FORBEARANCE)


def _takes(budget: MemoryBudget, plan: Plan) -> int:
    """Bytes of its largest micro-batch."""
    every = plan.recompute_every if plan.gradient_checkpointing else None
    return budget.activations.largest(plan.tokens_per_micro_batch, every)


def _other_fields(kept: object) -> Message | None:
    """A checkpoint of another version may know fewer speed-ups, or more."""
    names = set(kept) - {"tried"} if isinstance(kept, Mapping) else set()
    unknown, missing = sorted(names - _FIELDS), sorted(_FIELDS - names)
    if unknown:
        return say("kept-plan-of-other-version", fields=[*unknown, *missing])
    return say("kept-plan-incomplete", fields=missing) if missing else None
