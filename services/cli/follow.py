"""A job's events as they happen, until it ends: by the server's stream, and by asking where that ends."""

import time
from collections.abc import Iterator

from services.cli.client import Client
from services.cli.watch import POLL_SECONDS
from shared.jobs import TERMINAL
from shared.schemas.records import JobEvent


def followed(client: Client, job_id: str) -> Iterator[JobEvent]:
    """Every event once, oldest first. A server that sends no stream is asked every second."""
    seen: str | None = None
    while True:
        for event in client.live_events(job_id, seen):
            yield event
            seen = event.id
        ended = client.job(job_id).status in TERMINAL
        for event in client.events_since(job_id, seen):
            yield event
            seen = event.id
        if ended:
            return
        time.sleep(POLL_SECONDS)
