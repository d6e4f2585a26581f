"""The job store as users give orders: submit, cancel, pause, move. A change is one script, safe to repeat.

The record in the store is the truth about a job. Changes run as Lua scripts (`job_scripts/`), so that status,
indexes, counters and events change together or not at all. Reading stands in `shared/job_reader.py`, what
only a worker may do in `shared/worker_store.py`, what deletes in `shared/keeper_store.py`.
"""

import hashlib
import json
from collections.abc import Sequence
from typing import Literal

from shared.errors import IdempotencyMismatch, InvalidField, InvalidTransition, ModelUnknown, TooManyJobs
from shared.job_reader import JobReader
from shared.job_records import Submission
from shared.messages.message import say, stored
from shared.schemas.datasets import PartWarning
from shared.schemas.records import JobRecord
from shared.schemas.requests import JobRequest

Move = Literal["front", "back", "before", "behind", "up", "down", "priority"]


class JobStore(JobReader):
    """All jobs, and the changes that users may order."""

    def find_repeat(
        self, *, owner: str, idempotency_key: str | None, fingerprint: str, is_retry: bool
    ) -> JobRecord | None:
        """The job an earlier, equal request made, or None. Raises `IdempotencyMismatch`."""
        verdict, job_id = self._run(
            "submit", "", "", "", owner, idempotency_key or "", fingerprint, int(is_retry), 0
        )
        return self._repeat(verdict, job_id)

    def submit(
        self,
        job_id: str,
        request: JobRequest,
        *,
        owner: str,
        idempotency_key: str | None,
        fingerprint: str,
        is_retry: bool,
        max_queued_jobs: int,
        warnings: Sequence[PartWarning] = (),
    ) -> Submission:
        """Queue a job once, however often it is repeated; each of `warnings` is one of its first events.

        Raises `IdempotencyMismatch`, `TooManyJobs`, `InvalidField` when a job that it is to run after is
        unknown or did not succeed, and `ModelUnknown` when the fine-tuned model it names is deleted.
        """
        verdict, found_id, *number = self._run(
            "submit", job_id, request.kind, request.model_dump_json(), owner, idempotency_key or "",
            fingerprint, int(is_retry), max_queued_jobs,
            json.dumps([_first_event(each) for each in warnings]), request.priority,
            " ".join(dict.fromkeys(request.after)),
        )  # fmt: skip
        if verdict == "full":
            raise TooManyJobs(say("too-many-jobs", jobs=max_queued_jobs))
        if verdict == "unknown_before":
            raise InvalidField(say("after-unknown-job", job=found_id), param="after")
        if verdict == "failed_before":
            status = self.get(found_id).status
            raise InvalidField(say("after-job-that-failed", job=found_id, status=status), param="after")
        if verdict == "gone":
            raise ModelUnknown(say("model-was-deleted", model=found_id))
        earlier = self._repeat(verdict, found_id)
        if earlier:
            return Submission(earlier, created=False)
        return Submission(self.get(found_id), created=True, number=int(number[0]))

    def cancel(self, job_id: str) -> JobRecord:
        """Cancel a queued job, ask a running one to stop; once it publishes its result it is too late.

        Raises `NotFound` and `InvalidTransition`.
        """
        verdict = self._run("cancel", job_id)
        record = self.get(job_id)
        if verdict == "ended":
            raise InvalidTransition(say("job-ended-before-cancel", job=job_id, status=record.status))
        return record

    def pause(self, job_id: str) -> JobRecord:
        """Take a queued job out of the queue, ask a running one to save a checkpoint and stop.

        Raises `NotFound`, and `InvalidTransition` once it publishes its result, is being cancelled or has
        ended.
        """
        verdict = self._run("pause", job_id)
        record = self.get(job_id)
        refusals = {
            "late": say("job-publishes-before-pause", job=job_id),
            "cancelling": say("job-is-being-cancelled", job=job_id),
            "ended": say("job-ended-before-pause", job=job_id, status=record.status),
        }
        if refusal := refusals.get(verdict):
            raise InvalidTransition(refusal)
        return record

    def resume(self, job_id: str) -> JobRecord:
        """Queue a paused job again, where it stood. Raises `NotFound` and `InvalidTransition`."""
        verdict = self._run("resume", job_id)
        record = self.get(job_id)
        if verdict == "cancelling":
            raise InvalidTransition(say("job-is-being-cancelled", job=job_id))
        if verdict == "ended":
            raise InvalidTransition(say("job-ended-before-resume", job=job_id, status=record.status))
        return record

    def move(self, job_id: str, how: Move, what: str | int = "") -> JobRecord:
        """Give a queued job another place: at the `front` or `back`, right `before` or `behind` the queued
        job `what`, or `what` places `up` or `down`; or the `priority` `what`. The ends stop it, and it takes
        the priority of those among whom it comes to stand.

        Raises `NotFound` and `InvalidTransition`.
        """
        verdict, found_id = self._run("move", job_id, how, what)
        if verdict == "missing" and found_id != job_id:
            raise InvalidField(say("no-such-job", job=found_id), param=how)
        if verdict == "itself":
            raise InvalidField(say("not-moved-past-itself", job=job_id), param=how)
        record = self.get(found_id)
        if verdict == "not_queued":
            raise InvalidTransition(say("job-is-not-queued", job=found_id, status=record.status))
        return record

    def hold(self) -> list[str]:
        """Pause the whole queue: no job starts any more. Returns the running jobs that are asked to pause."""
        return list(self._run("hold"))

    def let_go(self) -> list[str]:
        """End `hold`; returns the jobs that it had paused and that are queued again."""
        return list(self._run("let_go"))

    def _repeat(self, verdict: str, job_id: str) -> JobRecord | None:
        if verdict == "mismatch":
            raise IdempotencyMismatch(
                say("idempotency-key-of-other-body", job=job_id), param="Idempotency-Key"
            )
        if verdict == "deleted":
            raise IdempotencyMismatch(
                say("idempotency-key-of-deleted-job", job=job_id), param="Idempotency-Key"
            )
        return self.get(job_id) if verdict == "repeat" else None


def request_fingerprint(body: object) -> str:
    """SHA-256 of a request in canonical JSON: equal bodies have equal fingerprints."""
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _first_event(warning: PartWarning) -> dict[str, str]:
    """The event in the script's terms; its data is JSON in a string, as the store keeps it."""
    about = warning.model_dump(mode="json", include={"code", "part", "count", "lines"})
    return {"level": warning.level, "message": stored(warning.said), "data": json.dumps(about)}
