"""Whether the files are whole."""

import shlex

from services.worker.diagnosis.checks.finding import Check
from services.worker.diagnosis.checks.remedies import of_cache_in_use
from shared.reports.finding import Finding, Remedy
from shared.reports.load_facts import LoadFacts
from shared.units import size


def find_incomplete_checkpoint(facts: LoadFacts) -> Finding | None:
    damaged = [file for file in facts.checkpoint.files if file.problem is not None]
    needed = [file.problem or "" for file in damaged if file.opened]
    if not facts.checkpoint.problems and not needed:
        return None
    return Finding(
        id="incomplete-checkpoint",
        severity="error",
        title="The checkpoint can't be loaded: files are missing or damaged",
        evidence=(*facts.checkpoint.problems, *needed)[:20],
        remedies=(_fetch_again(facts),),
    )


def find_wrong_hash(facts: LoadFacts) -> Finding | None:
    """Bytes of the right number that are the wrong ones load without a word and make a broken model."""
    wrong = [entry for entry in facts.hashes if entry.matches is False]
    damaged = {file.name for file in facts.checkpoint.files if file.problem is not None}
    wrong = [entry for entry in wrong if entry.name not in damaged]
    if not wrong:
        return None
    weights = {file.name for file in facts.checkpoint.opened}
    broken = [entry for entry in wrong if entry.name in weights]
    unchecked = [entry for entry in facts.hashes if entry.matches is None]
    return Finding(
        id="wrong-hash",
        severity="error" if broken else "warning",
        title="A weight file does not hold the bytes that its source names"
        if broken
        else "A file beside the weights was changed after it came from its source",
        evidence=(
            *(f"{entry.name}: {entry.reason}" for entry in wrong[:20]),
            *(f"{entry.name} was not compared: {entry.reason}" for entry in unchecked[:5]),
            *(("a load does not notice: it would compute with other weights",) if broken else ()),
        ),
        remedies=(_fetch_again(facts),),
    )


def find_damaged_spare(facts: LoadFacts) -> Finding | None:
    spare = [file for file in facts.checkpoint.files if file.problem is not None and not file.opened]
    if not spare or facts.checkpoint.problems:
        return None
    return Finding(
        id="damaged-spare",
        severity="info",
        title="A weight file that no load opens is damaged",
        evidence=tuple(file.problem or "" for file in spare)[:20],
        remedies=(Remedy(action="delete it, or fetch it again for the program that needs it"),),
    )


def find_unfinished_download(facts: LoadFacts) -> Finding | None:
    unfinished = facts.cache.unfinished
    if not unfinished:
        return None
    total = size(sum(file.bytes for file in unfinished))
    missing = bool(facts.checkpoint.problems)
    sweep = Remedy(
        action="delete the `.incomplete` files while nothing downloads; downloads start anew anyway"
    )
    return Finding(
        id="unfinished-download",
        severity="error" if missing else "info",
        title=f"A download was interrupted: {total} of it are there, and files are missing"
        if missing
        else f"Interrupted downloads left {total} in the cache",
        evidence=tuple(f"{file.name}: {size(file.bytes)}" for file in unfinished)[:20],
        remedies=(_fetch(facts, "download what is missing"), sweep) if missing else (sweep,),
    )


def _fetch(facts: LoadFacts, action: str, *options: str) -> Remedy:
    revision = ["--revision", facts.checkpoint.revision] if facts.checkpoint.revision else []
    command = ["hf", "download", facts.model, *revision, *of_cache_in_use(facts), *options]
    return Remedy(action=action, command=shlex.join(command))


def _fetch_again(facts: LoadFacts) -> Remedy:
    if facts.checkpoint.source == "prepared":
        folder = facts.checkpoint.folder
        return Remedy(
            action="delete the prepared copy: the next load makes it anew",
            command=f"rm -r {shlex.quote(folder)}",
        )
    if facts.in_hub_cache:
        return _fetch(facts, "download the damaged files again", "--force-download")
    return Remedy(
        action=f"copy the model into {facts.checkpoint.folder} again and see that the copy finishes"
    )


CHECKS = (
    Check(
        "incomplete-checkpoint",
        "error",
        "missing shards, truncated or damaged weight files",
        find_incomplete_checkpoint,
    ),
    Check("wrong-hash", "error", "files that do not have the hash their source names", find_wrong_hash),
    Check("damaged-spare", "info", "a damaged weight file that no load opens", find_damaged_spare),
    Check(
        "unfinished-download",
        "error",
        "interrupted downloads: files missing, or leftovers",
        find_unfinished_download,
        explains=("incomplete-checkpoint",),
    ),
)
