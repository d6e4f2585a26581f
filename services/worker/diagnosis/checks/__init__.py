"""The checks of a load diagnosis: pure questions to the facts, each about one cause."""

from services.worker.diagnosis.checks import (
    cache,
    contention,
    dtype,
    formats,
    integrity,
    memory,
    mounts,
    network,
    phases,
    prepared_copy,
    ranking,
    reading,
    speed,
)
from services.worker.diagnosis.checks.finding import Check
from shared.reports.finding import Finding
from shared.reports.load_facts import LoadFacts

CHECKS: tuple[Check, ...] = (
    *integrity.CHECKS,
    *prepared_copy.CHECKS,
    *speed.CHECKS,
    *reading.CHECKS,
    *contention.CHECKS,
    *mounts.CHECKS,
    *dtype.CHECKS,
    *memory.CHECKS,
    *phases.CHECKS,
    *formats.CHECKS,
    *cache.CHECKS,
    *network.CHECKS,
)


def run_checks(facts: LoadFacts) -> list[Finding]:
    """All findings, in the order in which somebody should see to them (`ranking`)."""
    findings = [finding for check in CHECKS if (finding := check.run(facts)) is not None]
    eased = [prepared_copy.eased(finding, facts) for finding in findings]
    return ranking.ranked(eased, {check.id: check.explains for check in CHECKS})


def checks_table() -> list[tuple[str, str, str]]:
    """(id, gravest severity, what it finds) of every check; docs/checks.md is tested against it."""
    return [(check.id, check.severity, check.finds) for check in CHECKS]
