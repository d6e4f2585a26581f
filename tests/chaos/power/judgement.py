"""Judges what a power cut left: the disks as they are, then the service that starts on them."""

import hashlib
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from shared import sealed_folder
from shared.job_folder import JobFolder, jobs_folder
from tests.chaos.drive import sweep, until_none_is_open
from tests.chaos.evidence import gather
from tests.chaos.history import History
from tests.chaos.oracle import Violation, judge
from tests.chaos.power.cut import Cut
from tests.chaos.power.disk import MOUNTS, PowerDisks
from tests.chaos.power.traffic import Known, do_again
from tests.chaos.specs import SPECS
from tests.chaos.world import World


@dataclass(frozen=True)
class Found:
    """What came of one cut."""

    cut: Cut
    violations: tuple[Violation, ...]
    start_seconds: float
    open_jobs: int
    torn_drafts: int
    with_gap: int  # jobs without the numbers of steps that were done again: see `Journal.sync`
    jobs: int
    adapters_equal: int
    adapters: int


def judge_cut(cut: Cut, folder: Path, references: dict[str, str], history: History, *, swept: bool) -> Found:
    """Start the stack on the copies, repeat what was not answered, let every job end, and look at all."""
    world = World(folder, history)
    disks = world.disks = PowerDisks(world.data_dir, cut.images, MOUNTS["usual"])
    with disks:
        found = list(_damaged(world.data_dir))
        torn = sum(1 for folder in jobs_folder(world.data_dir).glob("*") for _ in JobFolder(folder).drafts())
    began = time.monotonic()
    with world:
        start_seconds = time.monotonic() - began
        _remember(world, cut.known)
        if cut.known.doing:
            do_again(world, cut.known.doing)
        world.look_at_jobs()
        open_jobs = len(world.open_jobs())
        try:
            until_none_is_open(world)
        except AssertionError as error:
            found.append(Violation("stuck", f"{error}: {world.open_jobs()}"))
        if swept:
            sweep(world)
        evidence = gather(world, references)
        told = [one for one in judge(evidence, history) if swept or one.rule != "nothing_is_left_lying"]
        gone = [one for one in told if one.rule == "events_rise_without_gap" and "missing" in one.what]
        found += [one for one in told if one not in gone]
        found += [Violation(rule, what) for rule, what in _broken_promises(world, cut.known)]
    exact = [job for job in evidence.jobs if job.adapter_sha256 and SPECS[job.spec].exact]
    equal = sum(job.adapter_sha256 == references[job.spec] for job in exact)
    return Found(
        cut, tuple(found), start_seconds, open_jobs, torn, len(gone), len(evidence.jobs), equal, len(exact)
    )


def _remember(world: World, known: Known) -> None:
    """What the user knows goes on; the history has the answers of each cut's own time only."""
    world.user.accepted |= known.accepted
    world.user.deleted |= known.deleted
    for job_id, key in known.keys.items():
        world.history.note("accepted", job=job_id, spec=known.accepted[job_id], key=key)


def _damaged(data_dir: Path) -> Iterator[Violation]:
    """Everything that has its final name must be whole before anybody mends it."""
    for path in jobs_folder(data_dir).glob("*"):
        if path.name.startswith("."):
            continue
        folder = JobFolder(path)
        sealed = [*(step for _, step in folder.checkpoints_by_step()), *folder.published()]
        for part in (*sealed, *(one for one in (folder.tokens, folder.start) if one.exists())):
            if sealed_folder.verified_manifest(part) is None:
                yield Violation(
                    "sealed", f"{part.relative_to(data_dir)} is not what its manifest says", path.name
                )
        for file in (folder.spec, folder.result, folder.report):
            if file.exists() and not _is_json(file):
                yield Violation("whole", f"{file.relative_to(data_dir)} is no JSON", path.name)
    for file in data_dir.glob("files/file-*/file.json"):
        if not _is_json(file):
            yield Violation("whole", f"{file.relative_to(data_dir)} is no JSON")


def _is_json(file: Path) -> bool:
    try:
        json.loads(file.read_bytes())
    except ValueError:
        return False
    return True


def _broken_promises(world: World, known: Known) -> Iterator[tuple[str, str]]:
    """Answers that are not true any more."""
    for job_id, status in known.ended.items():
        record = world.user.record(job_id)
        if record and record["status"] != status:
            yield "an_end_stays", f"{job_id} had ended as {status}, and is {record['status']}"
    for job_id in known.deleted:
        if world.user.record(job_id) is not None:
            yield "a_deletion_stays", f"{job_id} had been deleted, and is there"
    for file_id, sha256 in known.files.items():
        if known.doing and known.doing.target == file_id:
            continue
        answer = world.user.ask("GET", f"/v1/files/{file_id}/content")
        if answer is None or hashlib.sha256(answer.content).hexdigest() != sha256:
            yield "an_upload_stays", f"{file_id}: {answer}"
    for file_id in known.deleted_files:
        answer = world.user.ask("GET", f"/v1/files/{file_id}")
        if answer is None or answer.status_code != 404:
            yield "a_deleted_file_stays_away", f"{file_id}: {answer}"
