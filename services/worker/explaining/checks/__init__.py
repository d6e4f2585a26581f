"""The checks of a training: pure questions to its facts, each about one cause of slow steps."""

from collections.abc import Sequence

from services.worker.diagnosis.checks.ranking import ranked
from services.worker.explaining.checks import arithmetic, between, card, loading, processor, rows, waste
from services.worker.explaining.checks.finding import WORTH_A_WARNING, WORTH_A_WORD, TrainingCheck
from shared.messages.message import say
from shared.reports.finding import Finding
from shared.reports.training import CheckOutcome
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


def outcomes(facts: TrainingFacts, found: Sequence[Finding]) -> tuple[CheckOutcome, ...]:
    """Of every check that found nothing: that all is well, or why the facts can't tell."""
    ids = {finding.id for finding in found}
    return tuple(_outcome(check, facts) for check in CHECKS if check.id not in ids)


def _outcome(check: TrainingCheck, facts: TrainingFacts) -> CheckOutcome:
    looks_for = say("check-looks-for", check=check.id)
    if (reason := check.unasked(facts)) is None:
        return CheckOutcome(id=check.id, outcome="passed", words=looks_for)
    words = say("check-not-asked", looks_for=looks_for, reason=reason)
    return CheckOutcome(id=check.id, outcome="not_checked", words=words)


def checks_table() -> list[tuple[str, str, str]]:
    """(id, gravest severity, what it finds) of every check; docs/checks.md is tested against it."""
    return [(check.id, check.severity, check.finds) for check in CHECKS]
