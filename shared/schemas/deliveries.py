"""A delivery of a webhook as the outside sees it."""

from typing import Literal

from pydantic import Field

from shared.schemas.frozen import Frozen

DeliveryStatus = Literal["pending", "delivered", "failed", "off"]


class Delivery(Frozen):
    """What one address is told of one job's end; times are UTC seconds since 1970."""

    id: str
    object: Literal["webhook.delivery"] = "webhook.delivery"
    event_id: str = Field(description="the header webhook-id of every try; the same for all addresses")
    type: str = Field(description="the type of the event, for example fine_tuning.job.succeeded")
    job_id: str
    url: str
    status: DeliveryStatus = Field(
        description="`failed`: given up; `off`: not sent, since the address had answered 410"
    )
    tries: int
    created_at: float = Field(description="when the job ended")
    tried_at: float | None = None
    next_try_at: float | None = Field(None, description="while it is pending")
    answer_status: int | None = Field(None, description="what the address answered last")
    problem: str | None = Field(None, description="what went wrong the last time, in a sentence")
