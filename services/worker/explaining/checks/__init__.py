"""The checks of a training: pure questions to its facts, each about one cause of slow steps."""

from services.worker.diagnosis.checks.ranking import ranked
from services.worker.explaining.checks import arithmetic, between, card, loading, processor, rows, waste
from services.worker.explaining.checks.finding import WORTH_A_WARNING, WORTH_A_WORD, TrainingCheck
from shared.reports.finding import Finding
from shared.reports.training_facts import TrainingFacts

CHECKS: tuple[TrainingCheck, ...] = (
    *waste.CHECKS,
    *arithmetic.CHECKS,
    *card.CHECKS,
    *processor.CHECKS,
    *loading.CHECKS,
    *between.CHECKS,
    *rows.CHECKS,
)


def run_checks(facts: TrainingFacts) -> tuple[Finding, ...]:
    """All findings, in the order in which somebody should see to them: ranked as those of a load, but what
    is noticeable is a share of the step.
    """
    found = [finding for check in CHECKS if (finding := check.run(facts)) is not None]
    step = facts.whole_step_seconds
    return tuple(
        ranked(
            found,
            {check.id: check.explains for check in CHECKS},
            noticeable_seconds=WORTH_A_WARNING * step,
            nothing_seconds=WORTH_A_WORD * step,
        )
    )


def checks_table() -> list[tuple[str, str, str]]:
    """(id, gravest severity, what it finds) of every check; docs/checks.md is tested against it."""
    return [(check.id, check.severity, check.finds) for check in CHECKS]
