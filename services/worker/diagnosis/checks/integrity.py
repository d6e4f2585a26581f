"""Whether the files are whole."""

import shlex

from services.worker.diagnosis.checks.finding import Check, as_message
from services.worker.diagnosis.checks.remedies import of_cache_in_use
from shared.messages.message import Message, say
from shared.reports.finding import Finding, Remedy
from shared.reports.load_facts import LoadFacts


def find_incomplete_checkpoint(facts: LoadFacts) -> Finding | None:
    damaged = [file for file in facts.checkpoint.files if file.problem is not None]
    needed = [file.problem for file in damaged if file.opened and file.problem]
    if not facts.checkpoint.problems and not needed:
        return None
    return Finding(
        id="incomplete-checkpoint",
        severity="error",
        title=say("incomplete-checkpoint-title"),
        evidence=tuple(as_message(problem) for problem in (*facts.checkpoint.problems, *needed)[:20]),
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
        title=say("wrong-hash-title" if broken else "changed-file-title"),
        evidence=(
            *(say("file-differs", file=entry.name, reason=entry.reason) for entry in wrong[:20]),
            *(say("file-not-compared", file=entry.name, reason=entry.reason) for entry in unchecked[:5]),
            *((say("load-does-not-notice"),) if broken else ()),
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
        title=say("damaged-spare-title"),
        evidence=tuple(as_message(file.problem) for file in spare[:20] if file.problem),
        remedies=(Remedy(action=say("delete-or-fetch-spare")),),
    )


def find_unfinished_download(facts: LoadFacts) -> Finding | None:
    unfinished = facts.cache.unfinished
    if not unfinished:
        return None
    total = sum(file.bytes for file in unfinished)
    missing = bool(facts.checkpoint.problems)
    sweep = Remedy(action=say("sweep-incomplete"))
    return Finding(
        id="unfinished-download",
        severity="error" if missing else "info",
        title=say("download-interrupted-title" if missing else "download-leftover-title", left_bytes=total),
        evidence=tuple(
            say("unfinished-file", file=file.name, file_bytes=file.bytes) for file in unfinished[:20]
        ),
        remedies=(_fetch(facts, say("download-missing")), sweep) if missing else (sweep,),
    )


def _fetch(facts: LoadFacts, action: Message, *options: str) -> Remedy:
    revision = ["--revision", facts.checkpoint.revision] if facts.checkpoint.revision else []
    command = ["hf", "download", facts.model, *revision, *of_cache_in_use(facts), *options]
    return Remedy(action=action, command=shlex.join(command))


def _fetch_again(facts: LoadFacts) -> Remedy:
    if facts.checkpoint.source == "prepared":
        folder = facts.checkpoint.folder
        return Remedy(
            action=say("delete-prepared-copy"),
            command=f"rm -r {shlex.quote(folder)}",
        )
    if facts.in_hub_cache:
        return _fetch(facts, say("download-again"), "--force-download")
    return Remedy(action=say("copy-model-again", folder=facts.checkpoint.folder))


CHECKS = (
    Check(
        "incomplete-checkpoint",
        "error",
        "missing shards, truncated or damaged weight files",
        find_incomplete_checkpoint,
    ),
    Check("wrong-hash", "error", "files that differ from their source", find_wrong_hash),
    Check("damaged-spare", "info", "a damaged weight file that is never loaded", find_damaged_spare),
    Check(
        "unfinished-download",
        "error",
        "interrupted downloads: files missing, or leftovers",
        find_unfinished_download,
        explains=("incomplete-checkpoint",),
    ),
)
