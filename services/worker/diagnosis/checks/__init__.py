"""The checks of a load diagnosis: pure questions to the facts, each about one cause."""

from services.worker.diagnosis.checks import (
    cache,
    dtype,
    formats,
    integrity,
    memory,
    mounts,
    phases,
    prepared_copy,
    speed,
)
from services.worker.diagnosis.checks.finding import Check, Finding, Severity
from services.worker.diagnosis.facts import LoadFacts

CHECKS: tuple[Check, ...] = (
    *integrity.CHECKS,
    *prepared_copy.CHECKS,
    *speed.CHECKS,
    *mounts.CHECKS,
    *dtype.CHECKS,
    *memory.CHECKS,
    *phases.CHECKS,
    *formats.CHECKS,
    *cache.CHECKS,
)

_GRAVITY: dict[Severity, int] = {"error": 0, "warning": 1, "info": 2}


def run_checks(facts: LoadFacts) -> list[Finding]:
    """All findings: what prevents a load first, then by the seconds that a remedy is predicted to save."""
    findings = [finding for check in CHECKS if (finding := check.run(facts)) is not None]
    return sorted((prepared_copy.eased(finding, facts) for finding in findings), key=_rank)


def checks_table() -> list[tuple[str, str, str]]:
    """(id, gravest severity, what it finds) of every check; what the README's table is tested against."""
    return [(check.id, check.severity, check.finds) for check in CHECKS]


def _rank(finding: Finding) -> tuple[bool, float, int]:
    return finding.severity != "error", -(finding.saves_seconds or 0.0), _GRAVITY[finding.severity]
