"""What a run of chaos left, gathered once it is quiet: records, events, journals, adapters, leftovers."""

import hashlib
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from services.cli.client import Client
from services.cli.failure import RequestRefused
from shared.job_folder import JobFolder, jobs_folder
from shared.journal import journal_events
from shared.schemas.records import JobEvent
from tests.chaos.specs import ENDED, SPECS

if TYPE_CHECKING:
    from tests.chaos.world import World


@dataclass(frozen=True)
class Step:
    """One step as the attempt that did it wrote it down; `saved_before`: a checkpoint was, since the last."""

    step: int
    at: float
    saved_before: bool


@dataclass(frozen=True)
class Attempt:
    """What the journal of one attempt has: when its first and last event happened, and its steps."""

    job_id: str
    number: int
    began: float
    ended: float
    steps: tuple[Step, ...]
    skipped_saves: frozenset[int]  # steps whose checkpoint found no room


@dataclass(frozen=True)
class Job:
    """All that is known of an accepted job; `record` is None once it was deleted."""

    job_id: str
    spec: str
    record: dict[str, Any] | None
    events: tuple[JobEvent, ...] = ()
    event_count: int = 0
    attempts: tuple[Attempt, ...] = ()
    adapter_sha256: str | None = None
    has_folder: bool = False


@dataclass(frozen=True)
class Evidence:
    """`ended` is the store's list; `counters` its numbers; `references` are the adapters of quiet runs."""

    jobs: tuple[Job, ...]
    ended: tuple[tuple[str, str], ...]
    counters: dict[str, float]
    stored_ids: frozenset[str]
    references: dict[str, str]
    deleted: frozenset[str] = frozenset()
    seen_to_end: dict[str, str] = field(default_factory=dict)
    leftovers: tuple[str, ...] = ()
    processes_left: tuple[int, ...] = ()


def gather(world: "World", references: dict[str, str]) -> Evidence:
    store = world.worker_store()
    with Client(world.url, world.key) as client, world.store() as raw:
        jobs = tuple(_job(world, client, raw, job_id, spec) for job_id, spec in world.user.accepted.items())
        counters = {name: float(value) for name, value in raw.hgetall("tunedock:counters").items()}
        ids = frozenset(world.stored_ids())
        return Evidence(
            jobs,
            tuple(store.ended()),
            counters,
            ids,
            references,
            frozenset(world.user.deleted),
            world.seen_to_end(),
            tuple(leftovers(world, ids)),
        )
    raise AssertionError("the store went away while the evidence was gathered")


def adapter_sha256(world: "World", job_id: str) -> str | None:
    weights = JobFolder.of(world.data_dir, job_id).adapter / "adapter_model.safetensors"
    return hashlib.sha256(weights.read_bytes()).hexdigest() if weights.exists() else None


def attempts_of(folder: JobFolder) -> tuple[Attempt, ...]:
    numbers = sorted(int(path.name) for path in folder.path.glob("attempts/*") if path.name.isdigit())
    found = (_attempt(folder, number) for number in numbers)
    return tuple(attempt for attempt in found if attempt is not None)


def leftovers(world: "World", known: frozenset[str]) -> list[str]:
    """What nobody needs, by its path in the data folder."""
    data = world.data_dir
    found = list(data.glob("files/.incoming-*"))
    for folder in jobs_folder(data).glob("*"):
        if folder.name not in known:
            found.append(folder)
        else:
            found += JobFolder(folder).only_for_attempts()
    return sorted(str(path.relative_to(data)) for path in found)


def _job(world: "World", client: Client, raw: Any, job_id: str, spec: str) -> Job:
    folder = JobFolder.of(world.data_dir, job_id)
    record = world.user.record(job_id)
    if record is None:
        return Job(job_id, spec, None, has_folder=folder.path.exists())
    try:
        events = tuple(client.events_since(job_id, None))
    except RequestRefused as refusal:
        world.history.note("events-refused", job=job_id, why=str(refusal))
        events = ()
    return Job(
        job_id,
        spec,
        record,
        events,
        int(raw.hget(f"tunedock:job:{job_id}", "event_count") or 0),
        attempts_of(folder),
        adapter_sha256(world, job_id),
        folder.path.exists(),
    )


def _attempt(folder: JobFolder, number: int) -> Attempt | None:
    events = list(journal_events(folder.attempt(number).journal))
    if not events:
        return None
    steps = [
        Step(event.data["step"], event.at, event.data.get("between_seconds", {}).get("saving", 0) > 0)
        for event in events
        if event.type == "metrics" and "train_loss" in event.data
    ]
    skipped = frozenset(
        event.data["step"] for event in events if event.data.get("code") == "checkpoint_skipped"
    )
    return Attempt(folder.path.name, number, events[0].at, events[-1].at, tuple(steps), skipped)


def counted(evidence: Evidence) -> Counter[str]:
    """How many jobs ended how, as the run saw it, in the words of the store's counters."""
    specs = {job.job_id: job.spec for job in evidence.jobs}
    statuses = dict(evidence.seen_to_end)
    statuses |= {job.job_id: job.record["status"] for job in evidence.jobs if job.record}
    return Counter(
        f"ended:{SPECS[specs[job_id]].request['kind']}:{status}"
        for job_id, status in statuses.items()
        if status in ENDED
    )
