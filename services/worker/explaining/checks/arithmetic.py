"""Whether the arithmetic is slower than it has to be: its number format, 4-bit weights, the head."""

from services.worker.explaining.checks.finding import (
    WORTH_A_WORD,
    TrainingCheck,
    by_share,
    cost_of,
    phase_ratio,
    remedy,
    saved_seconds,
    without_phase,
)
from shared.messages.message import Message, say
from shared.reports.finding import Finding, Remedy
from shared.reports.training_facts import TrainingFacts

_DEQUANTIZING_RATIO = 0.2  # of a step; about 0.1 with a thousand tokens at once
_HEAD_RATIO = 0.2


def find_fp32_compute(facts: TrainingFacts) -> Finding | None:
    cost = cost_of(facts, "precision")
    if facts.compute_dtype != "float32" or cost is None or cost.saves_ratio <= 0:
        return None
    return Finding(
        id="fp32-compute",
        severity=by_share(cost.saves_ratio),
        title=say("fp32-compute-title", ratio=round(cost.ratio or 1.0, 2)),
        evidence=(
            say(
                "fp32-compute-evidence",
                as_is_seconds=cost.as_is_seconds,
                changed_seconds=cost.changed_seconds,
            ),
        ),
        remedies=(
            Remedy(action=say("fp32-compute-remedy"), saves_seconds=saved_seconds(facts, cost.saves_ratio)),
        ),
        costs_seconds=saved_seconds(facts, cost.saves_ratio),
    )


def find_dequantizing(facts: TrainingFacts) -> Finding | None:
    """Each micro-batch dequantizes every weight anew, however few rows it has: twice the rows, half of it."""
    share, larger = phase_ratio(facts, "dequantizing"), cost_of(facts, "batch_size")
    if share < _DEQUANTIZING_RATIO:
        return None
    saves = share / 2 if larger is None else max(share / 2, larger.saves_ratio)
    return Finding(
        id="dequantizing",
        severity=by_share(saves),
        title=say("dequantizing-title", share_ratio=share),
        evidence=(
            say(
                "dequantizing-evidence",
                dequantizing_seconds=saved_seconds(facts, share),
                step_seconds=facts.step.step_seconds,
            ),
        ),
        remedies=(remedy(say("dequantizing-remedy"), facts, saves),),
        costs_seconds=saved_seconds(facts, share),
    )


def find_head(facts: TrainingFacts) -> Finding | None:
    """Logits of every token are computed although only those of targets are asked for."""
    share, tokens = phase_ratio(facts, "head_and_loss"), facts.tokens
    if share < _HEAD_RATIO or not _has_all_logits(facts) or not tokens.computed_tokens:
        return None
    saves = share * (1 - min(1.0, tokens.target_tokens / tokens.computed_tokens))
    if saves < WORTH_A_WORD:
        return None
    return Finding(
        id="head",
        severity=by_share(saves),
        title=say("head-title", share_ratio=share),
        evidence=(
            say(
                "head-evidence",
                head_seconds=saved_seconds(facts, share),
                target_tokens=tokens.target_tokens,
                computed_tokens=tokens.computed_tokens,
            ),
        ),
        remedies=(remedy(say("head-remedy"), facts, saves),),
        costs_seconds=saved_seconds(facts, share),
    )


def _has_all_logits(facts: TrainingFacts) -> bool:
    """As Trainer computes them; our own plans only where they say so."""
    return facts.settings is not None or bool((facts.plan or {}).get("full_logits"))


def _precision_unasked(facts: TrainingFacts) -> Message | None:
    if facts.compute_dtype == "float32" and cost_of(facts, "precision") is None:
        return say("not-checked-no-trial")
    return None


CHECKS = (
    TrainingCheck(
        "fp32-compute",
        "warning",
        "products in float32 instead of bfloat16",
        find_fp32_compute,
        unasked=_precision_unasked,
    ),
    TrainingCheck(
        "dequantizing",
        "warning",
        "4-bit weights dequantized for few tokens at once",
        find_dequantizing,
        unasked=without_phase("dequantizing"),
    ),
    TrainingCheck(
        "head",
        "warning",
        "logits computed where nothing is learned",
        find_head,
        unasked=without_phase("head_and_loss"),
    ),
)
