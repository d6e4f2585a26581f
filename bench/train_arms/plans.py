"""The plan of each of our arms: the baseline, `auto`, and levers one by one or added up."""

from collections.abc import Iterator
from dataclasses import replace

from services.worker.computing.plan.plan import Plan

# What each lever takes from `auto`'s plan, in the order they are added up.
LEVERS: dict[str, tuple[str, ...]] = {
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
# What a lever does nothing without; taken along when it is looked at alone.
NEEDS: dict[str, tuple[str, ...]] = {
    "layers": ("unpad", "head"),
    "flat": ("unpad", "head", "layers"),
    "prefix": ("unpad", "head", "layers"),
    "weights": ("unpad", "head", "layers"),
}
ALONE, ADDED_UP = "ours-", "ours-to-"
LONGEST = "ours-longest"  # what losses are compared with; no lever


def lever_arms() -> list[str]:
    """`ours-<lever>` is the baseline with that lever; `ours-to-<lever>` with it and all before it."""
    return [*(ALONE + lever for lever in LEVERS), *(ADDED_UP + lever for lever in list(LEVERS)[1:])]


def plan_of(arm: str, baseline: Plan, auto: Plan) -> Plan:
    """Raises ValueError for an arm that is none of ours. `LONGEST` pads to the longest of four rows."""
    if arm in ("ours-baseline", "ours-auto"):
        return baseline if arm == "ours-baseline" else auto
    if arm == LONGEST:
        return replace(
            baseline, name="explicit", rows_per_micro_batch=4, pad_to=None, gradient_checkpointing=False
        )
    changed = {name: getattr(auto, name) for lever in _levers(arm) for name in LEVERS[lever]}
    return replace(baseline, name="explicit", **changed)


def _levers(arm: str) -> Iterator[str]:
    if (lever := arm.removeprefix(ADDED_UP)) in LEVERS:
        names = list(LEVERS)
        yield from names[: names.index(lever) + 1]
    elif (lever := arm.removeprefix(ALONE)) in LEVERS:
        yield from NEEDS.get(lever, ())
        yield lever
    else:
        raise ValueError(f"arm {arm!r} is none of {', '.join(lever_arms())}")
