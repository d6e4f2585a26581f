"""The job store as whoever tidies up sees it: what ended, and how it leaves."""

from collections.abc import Iterator, Sequence
from typing import Any, Self, cast

from shared.ended_copy import EndedCopy, copy_of
from shared.errors import InUse, InvalidTransition, NotFound
from shared.job_reader import index_key, job_key
from shared.job_records import EndedJob
from shared.job_store import JobStore
from shared.jobs import KINDS, TERMINAL
from shared.messages.message import say
from shared.schemas.fields import JobKind, JobStatus
from shared.store_errors import store_errors

_PAGE = 500
_FIELDS = ("finished_at", "number", "model_deleted_at")


class KeeperStore(JobStore):
    """All jobs, and the removal of those that ended."""

    @classmethod
    def of(cls, store: JobStore) -> Self:
        """The same store through the same connections."""
        return cls(store._redis, store._outage)

    def ended_jobs(self) -> Iterator[EndedJob]:
        """Every job that ended, in no order; read in pages, so a job may end or go meanwhile."""
        for kind in KINDS:
            for status in TERMINAL:
                with store_errors(self._outage):
                    ids = cast("list[str]", self._redis.zrange(index_key(kind, status), 0, -1))
                for start in range(0, len(ids), _PAGE):
                    yield from self._ended_page(kind, status, ids[start : start + _PAGE])

    def ended_copy(self, job_id: str) -> EndedCopy | None:
        """How the record of a job ended, for the copy on its disk; None while it is open, or gone."""
        with store_errors(self._outage):
            fields = cast("dict[str, str]", self._redis.hgetall(job_key(job_id)))
        return copy_of(job_id, fields) if fields.get("status") in TERMINAL else None

    def number_of(self, job_id: str) -> int | None:
        """Its place among all jobs, in the order in which they were accepted; None of an unknown one."""
        with store_errors(self._outage):
            number = cast("str | None", self._redis.hget(job_key(job_id), "number"))
        return None if number is None else int(number)

    def now(self) -> float:
        """The store's time, by which its records are dated: another host's clock may differ. Seconds."""
        with store_errors(self._outage):
            seconds, microseconds = self._redis.time()
        return seconds + microseconds / 1e6

    def model_users(self) -> dict[str, str]:
        """The jobs whose models are in use → a job that has not ended and uses it."""
        found: list[str] = self._run("model_users")
        return dict(zip(found[::2], found[1::2], strict=True))

    def delete_job(self, job_id: str) -> None:
        """Remove an ended job's record, events and place in every list. Raises `NotFound`,
        `InvalidTransition` while it has not ended, and `InUse`.
        """
        verdict, detail = self._run("delete_job", job_id)
        if verdict == "missing":
            raise NotFound(say("no-such-job", job=job_id), param="job_id")
        if verdict == "open":
            raise InvalidTransition(say("job-not-ended", job=job_id, status=detail))
        if verdict == "used":
            raise InUse(say("model-in-use", job=job_id, user=detail))

    def delete_model(self, job_id: str) -> None:
        """Record that the model a fine-tuning job made is gone; its record stays. Raises `NotFound` for a
        job without a model, and `InUse`.
        """
        verdict, detail = self._run("delete_model", job_id)
        if verdict in ("missing", "none"):
            raise NotFound(say("job-made-no-model", job=job_id))
        if verdict == "used":
            raise InUse(say("model-in-use", job=job_id, user=detail))

    def _ended_page(self, kind: JobKind, status: JobStatus, ids: Sequence[str]) -> Iterator[EndedJob]:
        with store_errors(self._outage):
            pipeline = self._redis.pipeline(transaction=False)
            for job_id in ids:
                pipeline.hmget(job_key(job_id), _FIELDS)
            rows: list[Any] = pipeline.execute()
        for job_id, (finished_at, number, deleted_at) in zip(ids, rows, strict=True):
            if finished_at is not None:
                yield EndedJob(
                    job_id, kind, status, int(finished_at) / 1000, int(number), deleted_at is not None
                )
