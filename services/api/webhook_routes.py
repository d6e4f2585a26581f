"""Deliveries of webhooks: which there are and how they went, and one more try."""

from typing import Literal

from pydantic import Field

from services.api.service import Service
from shared.schemas.deliveries import Delivery
from shared.schemas.frozen import Frozen
from shared.webhook_store import WebhookStore


class DeliveriesQuery(Frozen):
    after: str | None = Field(None, description="a delivery's id: list those older than it")
    limit: int = Field(20, ge=1, le=100)


class DeliveryList(Frozen):
    """Newest first."""

    object: Literal["list"] = "list"
    data: list[Delivery]
    has_more: bool


def list_deliveries(service: Service, *, query: DeliveriesQuery) -> DeliveryList:
    """What each address was told, or is to be told, of each job's end."""
    found, has_more = WebhookStore.of(service.store).deliveries(after=query.after, limit=query.limit)
    return DeliveryList(data=found, has_more=has_more)


def resend_delivery(service: Service, *, delivery_id: str) -> Delivery:
    """Try it at once, however it went before, and as often as a new one.

    A success opens an address again that had answered 410.
    """
    return WebhookStore.of(service.store).resend(delivery_id)
