"""The plan of each of our arms: the baseline, `auto`, and speed-ups one by one or added up."""

from collections.abc import Iterator
from dataclasses import replace

from services.worker.computing.plan.plan import Plan

# What each speed-up takes from `auto`'s plan, in the order they are added up.
SPEED_UPS: dict[str, tuple[str, ...]] = {
    "unpad": (
        "tokens_per_micro_batch",
        "micro_batch_cost_tokens",
        "rows_per_micro_batch",
        "pad_to",
        "attention_mask",
    ),
    "keep": ("gradient_checkpointing", "recompute_every"),
    "head": ("full_logits",),
    "layers": ("own_layers",),
    "flat": ("layout",),
    "prefix": ("shared_prefix_tokens",),
    "weights": ("weights",),
}
# What a speed-up does nothing without; taken along when it is looked at alone.
NEEDS: dict[str, tuple[str, ...]] = {
    "layers": ("unpad", "head"),
    "flat": ("unpad", "head", "layers"),
    "prefix": ("unpad", "head", "layers"),
    "weights": ("unpad", "head", "layers"),
}
ALONE, ADDED_UP = "ours-", "ours-to-"
LONGEST = "ours-longest"  # what losses are compared with; no speed-up
FALLBACK = "ours-fallback"  # `auto` as it is for a model that no description fits


def speed_up_arms() -> list[str]:
    """`ours-<name>` is the baseline with that speed-up; `ours-to-<name>` with it and all before it."""
    return [*(ALONE + name for name in SPEED_UPS), *(ADDED_UP + name for name in list(SPEED_UPS)[1:])]


def plan_of(arm: str, baseline: Plan, auto: Plan) -> Plan:
    """Raises ValueError for an arm that is none of ours. `LONGEST` pads to the longest of four rows; for
    `FALLBACK` the plan `auto` must be one without our layers.
    """
    if arm in ("ours-baseline", "ours-auto", FALLBACK):
        return baseline if arm == "ours-baseline" else auto
    if arm == LONGEST:
        return replace(
            baseline, name="explicit", rows_per_micro_batch=4, pad_to=None, gradient_checkpointing=False
        )
    changed = {field: getattr(auto, field) for name in _speed_ups(arm) for field in SPEED_UPS[name]}
    return replace(baseline, name="explicit", **changed)


def _speed_ups(arm: str) -> Iterator[str]:
    if (name := arm.removeprefix(ADDED_UP)) in SPEED_UPS:
        names = list(SPEED_UPS)
        yield from names[: names.index(name) + 1]
    elif (name := arm.removeprefix(ALONE)) in SPEED_UPS:
        yield from NEEDS.get(name, ())
        yield name
    else:
        raise ValueError(f"arm {arm!r} is none of {', '.join(speed_up_arms())}")
