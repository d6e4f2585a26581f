"""The prepared copy: whether it can be used, and which findings it has made harmless."""

from services.worker.diagnosis.checks.finding import Check
from services.worker.diagnosis.checks.remedies import prepare_command
from shared.reports.finding import Finding, Remedy
from shared.reports.load_facts import LoadFacts
from shared.units import duration, size

# What ails the checkpoint alone, which jobs no longer read.
_CURED = ("bandwidth-bound", "quantize-bound", "wide-dtype", "slow-mount", "short-memory", "request-bound")


def find_damaged_copy(facts: LoadFacts) -> Finding | None:
    """Of the two copies the quantized one first: it is what jobs read, and preparing it mends both."""
    copy = facts.copy_in_use
    if copy is None or copy.problem is None:
        return _find_damaged_conversion(facts)
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


def _find_damaged_conversion(facts: LoadFacts) -> Finding | None:
    copy = facts.converted
    if copy is None or copy.problem is None:
        return None
    again = Remedy(
        action="make it anew now, and the quantized copy with it",
        kind="convert_pickle",
        command=prepare_command(facts),
    )
    return Finding(
        id="damaged-copy",
        severity="warning",
        title="The safetensors copy of the pickles was damaged, and was made anew"
        if copy.made_anew
        else "The safetensors copy of the pickles is damaged",
        evidence=(
            copy.problem,
            f"it has {size(copy.bytes)} in {copy.folder}",
            "the trial load has made it anew from the pickles"
            if copy.made_anew
            else "a job that quantizes makes it anew first; one that finds a quantized copy reads that",
        ),
        remedies=(Remedy(action="nothing: watch the disk if it happens again"),)
        if copy.made_anew
        else (again,),
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
