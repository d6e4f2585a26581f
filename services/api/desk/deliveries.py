"""What addresses were told of a job's end, as its page lists it."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

from services.api.desk.wait import rough
from services.api.service import Service
from shared.errors import WrongField
from shared.messages.message import say
from shared.messages.render import told
from shared.schemas.deliveries import Delivery
from shared.webhook_store import WebhookStore
from shared.webhook_url import WebhookUrl

MOST_PATH_CHARACTERS = 24


@dataclass(frozen=True)
class ToldAddress:
    """`words`: how it went. `may_resend`: somebody may want it tried at once."""

    id: str
    address: str
    status: str
    words: tuple[str, ...]
    may_resend: bool


def told_addresses(service: Service, job_id: str) -> tuple[ToldAddress, ...]:
    """None of a job that has not ended, or that nobody is told of. Raises `StoreUnavailable`."""
    return tuple(map(_told, WebhookStore.of(service.store).of_job(job_id)))


def short_address(url: str) -> str:
    """Without the query and the path's end, which may be secrets: a page is shown around."""
    try:
        target = WebhookUrl.read(url)
    except WrongField:  # a record that was damaged
        return f"{url[:MOST_PATH_CHARACTERS]}…"
    path = target.path.partition("?")[0]
    is_whole = path == target.path and len(path) <= MOST_PATH_CHARACTERS
    return f"{target.scheme}://{target.place}{path if is_whole else f'{path[:MOST_PATH_CHARACTERS]}…'}"


def _told(delivery: Delivery) -> ToldAddress:
    return ToldAddress(
        id=delivery.id,
        address=short_address(delivery.url),
        status=delivery.status,
        words=tuple(_words(delivery)),
        may_resend=delivery.status != "delivered" and bool(delivery.tries or delivery.status == "off"),
    )


def _words(delivery: Delivery) -> Iterator[str]:
    yield told(say("webhook-status-row", status=delivery.status))
    if delivery.tries:
        yield told(say("webhook-tries-row", tries=delivery.tries))
    if delivery.next_try_at is not None and delivery.tries:
        wait = delivery.next_try_at - time.time()
        yield told(say("next-try-row", wait=rough(wait)) if wait >= 1 else say("next-try-now-row"))
    if delivery.problem:
        yield delivery.problem
    elif delivery.answer_status is not None:
        yield f"HTTP {delivery.answer_status}"
