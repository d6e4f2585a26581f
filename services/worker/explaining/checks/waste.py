"""What is computed in vain: padding, and what is computed twice."""

from services.worker.explaining.checks.finding import (
    WORTH_A_WORD,
    TrainingCheck,
    by_share,
    cost_of,
    phase_ratio,
    remedy,
    saved_seconds,
)
from shared.messages.message import Message, say
from shared.reports.finding import Finding
from shared.reports.training_facts import FactorCost, TrainingFacts


def find_padding(facts: TrainingFacts) -> Finding | None:
    """Empty tokens are computed like others; what leaving them out saves was timed, or is their share."""
    cost, empty = cost_of(facts, "padding"), facts.tokens.padding_ratio
    saves = cost.saves_ratio if cost is not None else empty
    if empty < WORTH_A_WORD or saves < WORTH_A_WORD or _is_auto(facts):
        return None
    return Finding(
        id="padding",
        severity=by_share(saves),
        title=say("padding-title", empty_ratio=empty),
        evidence=(
            say(
                "padding-evidence",
                computed_tokens=facts.tokens.computed_tokens,
                real_tokens=facts.tokens.real_tokens,
                mean=round(facts.tokens.mean),
                longest=facts.tokens.longest,
            ),
        ),
        remedies=(remedy(_against_padding(facts), facts, saves),),
        costs_seconds=saved_seconds(facts, empty),
    )


def _against_padding(facts: TrainingFacts) -> Message:
    if facts.settings is None:
        return say("padding-remedy-auto")
    padded = facts.settings.get("padding") == "max_length"
    return say("padding-remedy") if padded else say("padding-remedy-grouping")


def find_recomputation(facts: TrainingFacts) -> Finding | None:
    """Gradient checkpointing is worth its time only where the memory is needed. Without a trial its time is
    that of the phase, and whether the memory is enough is not known.
    """
    cost, twice = cost_of(facts, "gradient_checkpointing"), phase_ratio(facts, "recomputation")
    if not facts.recomputed_ratio or _is_auto(facts):
        return None
    if cost is not None and cost.basis == "does_not_fit":
        return None
    saves = twice if cost is None else cost.saves_ratio
    if saves < WORTH_A_WORD:
        return None
    if cost is None:
        evidence = say("recomputation-by-timer", recomputing_seconds=saved_seconds(facts, saves))
        action = say("recomputation-remedy-untried")
    else:
        evidence = _recomputation_evidence(cost)
        action = say("recomputation-remedy")
    return Finding(
        id="recomputation",
        severity=by_share(saves),
        title=say("recomputation-title", ratio=round(1 / (1 - saves), 2)),
        evidence=(evidence,),
        remedies=(remedy(action, facts, saves),),
        costs_seconds=saved_seconds(facts, saves),
    )


def _recomputation_evidence(cost: FactorCost) -> Message:
    with_it, without = cost.as_is_seconds, cost.changed_seconds
    if cost.basis != "measured":
        return say("recomputation-evidence-predicted", as_is_seconds=with_it, changed_seconds=without)
    return say("recomputation-evidence", as_is_seconds=with_it, changed_seconds=without, rounds=cost.rounds)


def _is_auto(facts: TrainingFacts) -> bool:
    """A run of our own whose plan was chosen: it pads and recomputes no more than it must."""
    return facts.settings is None and (facts.plan or {}).get("name") == "auto"


def _recomputation_unasked(facts: TrainingFacts) -> Message | None:
    if not facts.recomputed_ratio or cost_of(facts, "gradient_checkpointing") is not None:
        return None
    return None if "recomputation" in facts.step.phase_seconds else say("not-checked-no-trial")


CHECKS = (
    TrainingCheck("padding", "warning", "rows padded with tokens that carry no text", find_padding),
    TrainingCheck(
        "recomputation",
        "warning",
        "layers computed twice although the memory is enough",
        find_recomputation,
        unasked=_recomputation_unasked,
    ),
)
