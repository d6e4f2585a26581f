"""Whether the API lives, and whether a job sent now would run."""

from typing import Literal

from services.api.service import Service
from shared.errors import FieldError, NotReady, StoreUnavailable
from shared.job_records import WorkerState
from shared.messages.message import Message, read_stored, say
from shared.schemas.frozen import Frozen

BEAT_LIMIT_SECONDS = 15.0


class Health(Frozen):
    status: Literal["ok"] = "ok"


class WorkerReadiness(Frozen):
    device: str | None
    beat_seconds_ago: float


class Readiness(Frozen):
    status: Literal["ready"] = "ready"
    store: Literal["ok"] = "ok"
    workers: list[WorkerReadiness]


def get_health(service: Service) -> Health:
    """The process answers; says nothing of store and worker."""
    return Health()


def get_readiness(service: Service) -> Readiness:
    """The store takes writes, and a worker that owns its device spoke in the last 15 s. Raises `NotReady`."""
    try:
        service.store.check_writes()
        workers = service.store.workers()
    except StoreUnavailable as refusal:
        raise NotReady(refusal.said, errors=(FieldError("store", refusal.said),)) from refusal
    alive = [worker for worker in workers if _silent_seconds(worker) < BEAT_LIMIT_SECONDS]
    if not alive:
        raise NotReady(_silence([_silent_seconds(worker) for worker in workers]), errors=(NO_WORKER,))
    if problems := [worker.fields["problem"] for worker in alive if worker.fields.get("problem")]:
        problem = read_stored(problems[0])
        raise NotReady(problem, errors=(FieldError("worker", problem),))
    if not any("device" in worker.fields for worker in alive):
        raise NotReady(say("worker-is-starting"), errors=(NO_WORKER,))
    return Readiness(
        workers=[
            WorkerReadiness(
                device=worker.fields.get("device"), beat_seconds_ago=round(worker.beat_seconds_ago, 1)
            )
            for worker in alive
        ]
    )


NO_WORKER = FieldError("worker", say("start-worker"))


def _silent_seconds(worker: WorkerState) -> float:
    """Of the more silent of its two processes: one speaks to the store, the other runs the jobs."""
    return max(worker.beat_seconds_ago, float(worker.fields.get("child_silent_seconds", 0)))


def _silence(beats_seconds_ago: list[float]) -> Message:
    if not beats_seconds_ago:
        return say("no-worker-for-a-minute")
    return say("worker-is-silent", silent_seconds=round(min(beats_seconds_ago)))
