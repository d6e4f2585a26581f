"""Whether the device waits for rows."""

from services.worker.explaining.checks.finding import (
    NOTICED_SECONDS,
    WORTH_A_WORD,
    TrainingCheck,
    by_share,
    phase_ratio,
    remedy,
    saved_seconds,
    without_phase,
)
from shared.messages.message import say
from shared.reports.finding import Finding
from shared.reports.training_facts import TrainingFacts

_PROPOSED_WORKERS = 2


def find_slow_loading(facts: TrainingFacts) -> Finding | None:
    """What workers prepare while the step before is computed is hidden, as far as that step is long."""
    data = phase_ratio(facts, "data")
    workers = int((facts.settings or {}).get("dataloader_num_workers", 0))
    exposed = data if workers == 0 else max(0.0, data / workers - (1 - data))
    if exposed < WORTH_A_WORD or saved_seconds(facts, exposed) * facts.total_steps < NOTICED_SECONDS:
        return None
    more = workers + _PROPOSED_WORKERS
    left = max(0.0, data / more - (1 - data))
    if facts.settings is None:
        remedies = (remedy(say("slow-loading-remedy-here"), facts, None),)
    else:
        remedies = (remedy(say("slow-loading-remedy", workers=more), facts, exposed - left),)
    return Finding(
        id="slow-loading",
        severity=by_share(exposed),
        title=say("slow-loading-title", waiting_ratio=exposed),
        evidence=(
            say(
                "slow-loading-evidence",
                data_seconds=saved_seconds(facts, data),
                step_seconds=facts.step.step_seconds,
                workers=workers,
            ),
        ),
        remedies=remedies,
        costs_seconds=saved_seconds(facts, exposed),
    )


CHECKS = (
    TrainingCheck(
        "slow-loading",
        "warning",
        "the step waits for its rows to be prepared",
        find_slow_loading,
        unasked=without_phase("data"),
    ),
)
