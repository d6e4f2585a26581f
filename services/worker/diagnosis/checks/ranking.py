"""Which finding to see to first."""

from collections.abc import Mapping, Sequence

from services.worker.diagnosis.checks.finding import NOTICEABLE_SECONDS
from shared.reports.finding import Finding, Severity

_GRAVITY: dict[Severity, int] = {"error": 0, "warning": 1, "info": 2}
_NOTHING_SECONDS = 0.5  # a saving that nobody notices puts nothing before anything


def ranked(
    findings: Sequence[Finding],
    explains: Mapping[str, Sequence[str]],
    *,
    noticeable_seconds: float = NOTICEABLE_SECONDS,
    nothing_seconds: float = _NOTHING_SECONDS,
) -> list[Finding]:
    """What prevents a load first; then by the seconds that a remedy is predicted to save.

    A finding that explains others (id → their ids) counts for as much as the largest of them and goes
    before it: a busy disk before the little bandwidth it leaves. A warning without a prediction counts for
    `noticeable_seconds`. Of findings that one remedy mends the one that costs more goes first.
    """
    present = {finding.id: finding for finding in findings}

    def chain(finding: Finding) -> list[Finding]:
        explained = [present[name] for name in explains.get(finding.id, ()) if name in present]
        return [finding, *(found for follower in explained for found in chain(follower))]

    def worth_of(finding: Finding) -> float:
        least = noticeable_seconds if finding.severity == "warning" else 0.0
        worth = max(finding.saves_seconds or 0.0, least)
        return worth if worth >= nothing_seconds else 0.0

    def rank(finding: Finding) -> tuple[bool, float, float, int, int]:
        followers = chain(finding) if finding.severity != "info" else [finding]
        worth = max(map(worth_of, followers))
        costs = max(follower.costs_seconds or 0.0 for follower in followers)
        return finding.severity != "error", -worth, -costs, -len(followers), _GRAVITY[finding.severity]

    return sorted(findings, key=rank)
