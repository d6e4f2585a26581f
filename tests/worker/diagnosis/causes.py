"""Causes of slow and failing loads, each really made and diagnosed; the right finding must come first.

`python -m tests.worker.diagnosis.causes [--slow] [WORD …]` prints the table cause × finding of this machine.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub.utils.tqdm import disable_progress_bars

from shared.messages.document import in_sentences
from shared.reports.finding import Finding
from tests.worker.apart import Apart, Order, Outcome, apart
from tests.worker.diagnosis import cause_files, cause_places
from tests.worker.diagnosis.workshop import NotHere, Workshop

Maker = Callable[[Workshop], AbstractContextManager[Order]]
# What this machine itself is doing at the moment is no matter of a cause that is about something else.
_OF_THE_MACHINE = {"swapping", "fixed-costs"}
_OF_A_SHARED_DISK = {"busy-disk", "uneven-speed"}


@dataclass(frozen=True)
class Cause:
    """`finding` is the id that must come first; None: nothing graver than an info. `says` is in its text."""

    name: str
    finding: str | None
    make: Maker
    says: str = ""
    slow: bool = False


CAUSES = (
    Cause("a healthy folder", None, cause_files.healthy_folder),
    Cause("a healthy hub cache", None, cause_files.healthy_cache),
    Cause("pickle only", "pickle-only", cause_files.pickled, "zip files"),
    Cause("pickle only, legacy", "pickle-only", cause_files.legacy_pickle, "before 1.6"),
    Cause("pickle only, converted on the hub", "pickle-only", cause_files.converted_on_hub, "refs/pr/7"),
    Cause("both formats", "unused-formats", cause_files.both_formats, "pickle"),
    Cause("float32 on disk", "wide-dtype", cause_files.float32, "F32"),
    Cause("truncated shard", "incomplete-checkpoint", cause_files.truncated_shard, "00002-of-00002"),
    Cause("wrong hash", "wrong-hash", cause_files.wrong_hash, "model.safetensors"),
    Cause("edited config", "wrong-hash", cause_files.edited_config, "config.json"),
    Cause("missing shard", "incomplete-checkpoint", cause_files.missing_shard, "00001-of-00002"),
    Cause("missing shard in the hub cache", "incomplete-checkpoint", cause_files.pruned_blob, "missing"),
    Cause("unfinished download", "unfinished-download", cause_files.unfinished_download, "hf download"),
    Cause("leftover of a download", "unfinished-download", cause_files.leftover, ".incomplete"),
    Cause("damaged spare file", "damaged-spare", cause_files.damaged_spare, "consolidated"),
    Cause("model that can't run", "failed-trial", cause_files.unknown_architecture, "no_such"),
    Cause("ignored variable", "ignored-cache-variable", cause_files.ignored_variable, "TRANSFORMERS_CACHE"),
    Cause("setting without effect", "setting-without-effect", cause_files.idle_setting, "FAST_GPU"),
    Cause("cached twice", "cached-twice", cause_files.cached_twice, "old-cache"),
    Cause("several revisions", "other-revisions", cause_files.several_revisions, "other revisions"),
    Cause("conversion left behind", "conversion-leftover", cause_files.conversion_leftover, "refs/pr/7"),
    Cause("cache without links", "copied-revisions", cause_files.without_links, "no links"),
    Cause("hub asked at every load", "hub-asked", cause_files.hub_asked, "HF_HUB_OFFLINE"),
    Cause("first download", "first-download", cause_files.first_download, "downloaded just now"),
    Cause("tmpfs", "memory-filesystem", cause_places.in_memory, "tmpfs"),
    Cause("overlay", "container-layer", cause_places.overlay, "overlay"),
    Cause("memory below the checkpoint", "short-memory", cause_places.short_memory, "This container may use"),
    Cause("too few processors", "processor-limit", cause_places.few_processors, "0.1 processors"),
    Cause(
        "slow disk", "bandwidth-bound", cause_places.slow_disk_small, "No load from this storage is faster"
    ),
    Cause("few reads a second", "request-bound", cause_places.few_reads_small, "times as fast"),
    Cause("busy disk", "busy-disk", cause_places.busy_disk, "worked on requests"),
    Cause("read-ahead raised", None, cause_places.read_ahead_raised, slow=True),
    Cause("150 MB/s disk", "bandwidth-bound", cause_places.slow_disk, "No load from", slow=True),
    Cause("400 reads/s disk", "request-bound", cause_places.few_reads, "times as fast", slow=True),
    Cause("busy 150 MB/s disk", "busy-disk", cause_places.busy_slow_disk, "worked on requests", slow=True),
    Cause("quantizing", "quantize-bound", cause_files.quantizing, "went into quantizing", slow=True),
)


def outcome_of(cause: Cause, workshop: Workshop, process: Apart) -> Outcome:
    """Make the cause and diagnose it. Raises NotHere where this machine can't have it."""
    with cause.make(workshop) as order:
        return process.run(order)


def findings_of(cause: Cause, outcome: Outcome, workshop: Workshop) -> list[Finding]:
    """Ranked, without what the machine is doing meanwhile."""
    ignored = _OF_THE_MACHINE | (set() if workshop.quiet else _OF_A_SHARED_DISK)
    return [
        found for found in outcome.report.findings if found.id == cause.finding or found.id not in ignored
    ]


def fault_of(cause: Cause, findings: Sequence[Finding]) -> str | None:
    """What is wrong with the answer; None where the right finding comes first."""
    alarms = [found.id for found in findings if found.severity != "info"]
    if cause.finding is None:
        return f"alarms without a cause: {alarms}" if alarms else None
    if not findings or findings[0].id != cause.finding:
        return f"the first finding is {findings[0].id if findings else 'none'}"
    text = str(in_sentences(findings[0].model_dump(mode="json")))
    return None if cause.says in text else f"it does not say {cause.says!r}"


def main(words: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.worker.diagnosis.causes", description=__doc__)
    parser.add_argument("--slow", action="store_true", help="also those that take longer than ten seconds")
    parser.add_argument("words", nargs="*", metavar="WORD", help="only causes whose names contain one")
    arguments = parser.parse_args(words)
    chosen = [
        cause
        for cause in CAUSES
        if (arguments.slow or not cause.slow or arguments.words)
        and (not arguments.words or any(word in cause.name for word in arguments.words))
    ]
    disable_progress_bars()
    faults = 0
    print("| cause | first finding | other findings | saves | diagnosis |")
    print("| --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory(prefix="causes-") as folder, apart() as process:
        workshop = Workshop(Path(folder))
        try:
            for row, fault in _rows(chosen, workshop, process):
                print(f"| {' | '.join(row)} |", flush=True)
                faults += fault
        finally:
            workshop.close()
    return 1 if faults else 0


def _rows(
    causes: Sequence[Cause], workshop: Workshop, process: Apart
) -> Iterator[tuple[tuple[str, ...], bool]]:
    for cause in causes:
        try:
            outcome = outcome_of(cause, workshop, process)
        except NotHere as reason:
            yield (cause.name, f"not made here: {reason}", "", "", ""), False
            continue
        findings = findings_of(cause, outcome, workshop)
        fault = fault_of(cause, findings)
        first = f"{findings[0].id} ({findings[0].severity})" if findings else "none"
        others = ", ".join(f"{found.id} ({found.severity})" for found in findings[1:])
        saves = findings[0].saves_seconds if findings else None
        saved = "" if saves is None else f"{saves:.1f} s"
        mark = f" WRONG: {fault}" if fault else ""
        yield (cause.name, first + mark, others, saved, f"{outcome.seconds:.1f} s"), bool(fault)


if __name__ == "__main__":
    sys.exit(main())
