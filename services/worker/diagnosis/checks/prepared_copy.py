"""The prepared copy: whether it can be used, and which findings it has made harmless."""

from services.worker.diagnosis.checks.finding import Check, Finding, Remedy
from services.worker.diagnosis.checks.remedies import prepare_command
from services.worker.diagnosis.facts import LoadFacts
from shared.units import duration, size

# What ails the checkpoint alone, which jobs no longer read.
_CURED = ("bandwidth-bound", "quantize-bound", "wide-dtype", "slow-mount", "short-memory", "request-bound")


def find_damaged_copy(facts: LoadFacts) -> Finding | None:
    copy = facts.copy_in_use
    if copy is None or copy.problem is None:
        return None
    return Finding(
        id="damaged-copy",
        severity="warning",
        title="The prepared copy of the model can't be used",
        evidence=(
            copy.problem,
            f"it has {size(copy.bytes)} in {copy.folder}",
            "jobs fall back to the checkpoint: the next one throws the copy away and makes it anew",
        ),
        remedies=(Remedy(action="make it anew now", kind="nf4_copy", command=prepare_command(facts)),),
    )


def eased(finding: Finding, facts: LoadFacts) -> Finding:
    """The finding as it concerns jobs, which load the prepared copy where there is one that works.

    Its remedies would save them nothing any more, and are left out.
    """
    copy = facts.copy_in_use
    if copy is None or copy.problem is not None or not facts.prepared or finding.id not in _CURED:
        return finding
    seconds = duration(facts.prepared[0].total_seconds)
    harmless = f"jobs load the prepared copy instead ({size(copy.bytes)}), which took {seconds}"
    evidence = (*finding.evidence, harmless)
    return finding.model_copy(update={"severity": "info", "evidence": evidence, "remedies": ()})


CHECKS = (Check("damaged-copy", "warning", "a prepared copy that does not verify", find_damaged_copy),)
