"""The job store as whoever sends webhooks sees it: deliveries that are due, and how they went.

The script that ends a job writes them, so there is none too many and none is missing. A sender claims a
delivery for a while: when it dies, the delivery is due again. Each claim has a number, and what an older one
came to is refused.
"""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self, cast

from shared.errors import NotFound
from shared.job_reader import PREFIX, JobReader
from shared.messages.message import Message, say, stored
from shared.messages.render import shown
from shared.schemas.deliveries import Delivery
from shared.settings import MOST_WEBHOOKS
from shared.store_errors import store_errors

Outcome = Literal["delivered", "retried", "given_up", "gone"]


@dataclass(frozen=True)
class Due:
    """A delivery that is claimed. `tries`: those before this one; `claim`: the number of the claim."""

    name: str
    claim: int
    job_id: str
    type: str
    created_at: float
    url: str
    tries: int

    @property
    def event_id(self) -> str:
        return event_id_of(self.job_id)


class WebhookStore(JobReader):
    """All deliveries."""

    @classmethod
    def of(cls, store: JobReader) -> Self:
        """The same store through the same connections."""
        return cls(store._redis, store._outage)

    def claim_due(
        self, addresses: Sequence[str], *, lease_seconds: float, most: int, busy: Collection[str] = ()
    ) -> list[Due]:
        """Claim deliveries that are due, one for each address at most and none for those in `busy`.

        `addresses`: who is told of every job that ends from now on.
        """
        words: list[Any] = self._run(
            "webhook_claim", json.dumps(list(addresses)), round(lease_seconds * 1000), most, *busy
        )
        return [
            Due(name, int(claim), job_id, type_, int(created_ms) / 1000, url, int(tries))
            for name, claim, job_id, type_, created_ms, url, tries in zip(*[iter(words)] * 7, strict=True)
        ]

    def settle(
        self,
        due: Due,
        outcome: Outcome,
        *,
        host: str,
        wait_seconds: float = 0.0,
        answer_status: int | None = None,
        problem: Message | None = None,
    ) -> str:
        """Record what a try came to: `ok`, `already`, or `fenced` when another has claimed it since."""
        status = "" if answer_status is None else answer_status
        why = "" if problem is None else stored(problem)
        return str(
            self._run(
                "webhook_settle", due.name, due.claim, outcome, round(wait_seconds * 1000), status, why, host
            )
        )

    def deliveries(self, *, after: str | None = None, limit: int) -> tuple[list[Delivery], bool]:
        """Newest first, those older than delivery `after`; whether there are more. Raises `NotFound`."""
        first = 0
        with store_errors(self._outage):
            if after is not None:
                rank = self._redis.zrevrank(f"{PREFIX}webhooks:all", after)
                if rank is None:
                    raise NotFound(say("no-such-delivery", delivery=after[:80]), param="after")
                first = cast("int", rank) + 1
            names = cast("list[str]", self._redis.zrevrange(f"{PREFIX}webhooks:all", first, first + limit))
        return self._read(names[:limit]), len(names) > limit

    def of_job(self, job_id: str) -> list[Delivery]:
        """One for each address that was named when the job ended."""
        return self._read([f"{job_id}.{number}" for number in range(1, MOST_WEBHOOKS + 2)])

    def resend(self, name: str) -> Delivery:
        """Let a delivery be tried at once, however it went before. Raises `NotFound`."""
        if self._run("webhook_resend", name) == "ok" and (found := self._read([name])):
            return found[0]
        raise NotFound(say("no-such-delivery", delivery=name[:80]))

    def _read(self, names: Sequence[str]) -> list[Delivery]:
        if not names:
            return []
        with store_errors(self._outage):
            pipeline = self._redis.pipeline(transaction=True)
            for name in names:
                pipeline.hgetall(f"{PREFIX}webhook:{name}")
                pipeline.zscore(f"{PREFIX}webhooks:due", name)
            rows = pipeline.execute()
        return [
            _delivery(name, fields, due)
            for name, fields, due in zip(names, rows[::2], rows[1::2], strict=True)
            if fields
        ]


def event_id_of(job_id: str) -> str:
    """A job ends once, so its own random part names the event of its end."""
    return f"evt_{job_id.partition('-')[2]}"


def _delivery(name: str, fields: dict[str, str], due_ms: float | None) -> Delivery:
    tried_at, status, why = (fields.get(field) or None for field in ("tried_at", "status", "why"))
    return Delivery(
        id=name,
        event_id=event_id_of(fields["job"]),
        type=fields["type"],
        job_id=fields["job"],
        url=fields["url"],
        status=cast("Any", fields["state"]),
        tries=int(fields["tries"]),
        created_at=int(fields["created_at"]) / 1000,
        tried_at=int(tried_at) / 1000 if tried_at else None,
        next_try_at=due_ms / 1000 if due_ms is not None else None,
        answer_status=int(status) if status else None,
        problem=shown(why) if why else None,
    )
