"""Whether products are computed in a slower number format than the device has."""

from services.worker.explaining.checks.finding import TrainingCheck, by_share, cost_of, saved_seconds
from shared.messages.message import say
from shared.reports.finding import Finding, Remedy
from shared.reports.training_facts import TrainingFacts


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


CHECKS = (
    TrainingCheck("fp32-compute", "warning", "products in float32 instead of bfloat16", find_fp32_compute),
)
