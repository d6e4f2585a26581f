"""The prepared copy: whether it can be used, and which findings it has made harmless."""

from services.worker.diagnosis.checks.finding import Check, as_message
from services.worker.diagnosis.checks.remedies import prepare_command
from shared.messages.message import say
from shared.reports.finding import Finding, Remedy
from shared.reports.load_facts import LoadFacts

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
        title=say("damaged-copy-title"),
        evidence=(
            as_message(copy.problem),
            say("copy-lies-in", copy_bytes=copy.bytes, folder=copy.folder),
            say("jobs-fall-back"),
        ),
        remedies=(Remedy(action=say("make-copy-anew"), kind="nf4_copy", command=prepare_command(facts)),),
    )


def _find_damaged_conversion(facts: LoadFacts) -> Finding | None:
    copy = facts.converted
    if copy is None or copy.problem is None:
        return None
    again = Remedy(
        action=say("make-both-copies-anew"),
        kind="convert_pickle",
        command=prepare_command(facts),
    )
    return Finding(
        id="damaged-copy",
        severity="warning",
        title=say("damaged-conversion-remade-title" if copy.made_anew else "damaged-conversion-title"),
        evidence=(
            as_message(copy.problem),
            say("copy-lies-in", copy_bytes=copy.bytes, folder=copy.folder),
            say("trial-made-conversion-anew" if copy.made_anew else "jobs-make-conversion-anew"),
        ),
        remedies=(Remedy(action=say("nothing-but-watch-disk")),) if copy.made_anew else (again,),
    )


def eased(finding: Finding, facts: LoadFacts) -> Finding:
    """The finding as it concerns jobs, which load the prepared copy where there is one that works.

    Its remedies would save them nothing any more, and are left out.
    """
    copy = facts.copy_in_use
    if copy is None or copy.problem is not None or not facts.prepared or finding.id not in _CURED:
        return finding
    seconds = facts.prepared[0].total_seconds
    harmless = say("jobs-load-copy-instead", copy_bytes=copy.bytes, load_seconds=seconds)
    evidence = (*finding.evidence, harmless)
    return finding.model_copy(update={"severity": "info", "evidence": evidence, "remedies": ()})


CHECKS = (Check("damaged-copy", "warning", "a prepared copy that does not verify", find_damaged_copy),)
