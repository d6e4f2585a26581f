"""The job store as the worker sees it: begin an attempt, keep it alive, tell its progress, end it.

Every change carries the attempt's number and is refused once a later attempt began: fencing tokens, after
Kleppmann, "How to do distributed locking".
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from shared.job_reader import PREFIX, job_key
from shared.job_records import Claim, Verdict, WorkerEvent
from shared.job_store import JobStore
from shared.json_text import encodable, json_text
from shared.schemas.fields import JobStatus
from shared.store_errors import store_errors

WORKER_TTL_SECONDS = 60


class WorkerStore(JobStore):
    """All jobs, and the changes that only the process holding a device may make."""

    def claim(self, *, host: str, boot: str, nonce: str, lease_seconds: float) -> Claim | float | None:
        """The next job, or the seconds until one may start again, or None when nothing waits.

        The same `nonce` gets the same claim again, so a lost reply costs no attempt.
        """
        verdict, answer = self._run("claim", host, boot, nonce, _milliseconds(lease_seconds))
        if verdict == "empty":
            return None
        if verdict == "wait":
            return max(0.0, float(answer) / 1000)
        with store_errors(self._outage):
            fields: Any = self._redis.hmget(job_key(answer), "attempt", "kind", "request", "created_at")
        attempt, kind, request, created_at = fields
        return Claim(answer, int(attempt), kind, json.loads(request), int(created_at) / 1000)

    def beat(self, claim: Claim, *, lease_seconds: float, progress: Mapping[str, Any] | None) -> Verdict:
        """Renew the lease and replace the progress; the verdict `cancel` is the user's order to stop."""
        return self._verdict(
            "beat", claim, _milliseconds(lease_seconds), json_text(progress) if progress else ""
        )

    def record_events(
        self, claim: Claim, events: Sequence[WorkerEvent], *, source_attempt: int | None = None
    ) -> Verdict:
        """Append events in order; numbers seen before are skipped.

        `source_attempt` numbered them: this attempt, or an earlier one whose journal is replayed.
        """
        arguments = [value for event in events for value in _arguments(event)]
        return self._verdict("record_events", claim, source_attempt or claim.attempt, *arguments)

    def recorded(self, job_id: str, attempt: int) -> int:
        """The number of the last event that `attempt` numbered and the store has; 0 before the first."""
        with store_errors(self._outage):
            number: Any = self._redis.hget(job_key(job_id), f"events_of:{attempt}")
        return int(number or 0)

    def checkpoint(self, claim: Claim, step: int) -> Verdict:
        return self._verdict("checkpoint", claim, step)

    def publish(self, claim: Claim) -> Verdict:
        """Ask to make a result visible; after `ok` a cancel comes too late."""
        return self._verdict("publish", claim)

    def release(self, claim: Claim) -> Verdict:
        return self._verdict("release", claim)

    def finish(
        self,
        claim: Claim,
        status: Literal["succeeded", "failed", "cancelled"],
        *,
        message: str,
        result: Mapping[str, Any] | None = None,
        error: Mapping[str, Any] | None = None,
    ) -> Verdict:
        """End the job. `cancel`: the user cancelled before the result was published; finish as cancelled."""
        return self._verdict(
            "finish",
            claim,
            status,
            json_text(result) if result is not None else "",
            json_text(error) if error else "",
            encodable(message),
        )

    def recover(self, *, host: str, boot: str, crash_limit: int, disk_is_full: bool = False) -> list[str]:
        """Requeue what an earlier process of this host held; call only as the owner of the device.

        A death while `disk_is_full` is the machine's: it counts as no crash of the job.
        """
        return list(self._run("recover", host, boot, crash_limit, int(disk_is_full)))

    def reap(self, *, crash_limit: int) -> list[str]:
        """Requeue jobs whose lease ran out; call only when the store has been up for longer than a lease."""
        return list(self._run("reap", crash_limit))

    def uptime_seconds(self) -> float:
        with store_errors(self._outage):
            info: Any = self._redis.info("server")
        return float(info["uptime_in_seconds"])

    def wanted_rings(self, *, alive_seconds: float) -> int:
        """How many workers that spoke within `alive_seconds` are idle while a job waits that may start."""
        return int(self._run("wanted_rings", _milliseconds(alive_seconds)))

    def forget_worker(self, host: str) -> None:
        """Drop what the worker of `host` said before: a new one begins."""
        with store_errors(self._outage):
            pipeline = self._redis.pipeline(transaction=True)
            pipeline.delete(f"{PREFIX}worker:{host}")
            pipeline.zrem(f"{PREFIX}workers", host)
            pipeline.execute()

    def worker_beat(self, host: str, fields: Mapping[str, str]) -> None:
        """Say that the worker of `host` lives; forgotten after a minute of silence."""
        said = [text for pair in fields.items() for text in pair]
        self._run("worker_beat", host, _milliseconds(WORKER_TTL_SECONDS), *said)

    def stored_failure(self, job_id: str) -> dict[str, str]:
        """A failed job's `code`, and its `message` and `remedy` as stored messages; empty if it has none."""
        with store_errors(self._outage):
            error: Any = self._redis.hget(job_key(job_id), "error")
        return dict(json.loads(error)) if error else {}

    def ended(self) -> list[tuple[str, JobStatus]]:
        """(id, status) of every ended job in the order they ended; each job is in it once."""
        with store_errors(self._outage):
            rows: Any = self._redis.lrange(f"{PREFIX}ended", 0, -1)
        return [tuple(row.split(" ")) for row in rows]

    def _verdict(self, name: str, claim: Claim, *arguments: str | int | float) -> Verdict:
        verdict: Verdict = self._run(name, claim.job_id, str(claim.attempt), *arguments)
        return verdict


def _arguments(event: WorkerEvent) -> tuple[str | int, ...]:
    at_ms, kept = round(event.at * 1000), "1" if event.is_in_journal else ""
    return (
        event.number,
        at_ms,
        event.level,
        event.type,
        encodable(event.message),
        json_text(event.data),
        kept,
    )


def _milliseconds(seconds: float) -> int:
    return int(seconds * 1000)
