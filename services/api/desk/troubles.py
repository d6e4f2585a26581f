"""What keeps jobs from running, and what to do about it: the first thing that a page of the desk says."""

from dataclasses import dataclass
from typing import Literal

from services.api.desk.machine import free_bytes
from services.api.health_routes import get_readiness
from services.api.service import Service
from shared.errors import NotReady
from shared.messages.message import say
from shared.messages.render import shown


@dataclass(frozen=True)
class Trouble:
    level: Literal["error", "warning"]
    words: str
    remedy: str


def troubles(service: Service) -> tuple[Trouble, ...]:
    """The store or the worker is away, or the disk takes no more."""
    found = []
    try:
        get_readiness(service)
    except NotReady as refusal:
        found.append(_not_ready(refusal))
    free = free_bytes(service)
    if free is not None and free < service.settings.min_free_bytes:
        words = say("disk-takes-no-jobs", free_bytes=free, reserve_bytes=service.settings.min_free_bytes)
        found.append(Trouble("error", shown(words), shown(say("delete-jobs-or-files"))))
    return tuple(found)


def _not_ready(refusal: NotReady) -> Trouble:
    parts = [error.path for error in refusal.errors]
    if "store" in parts:  # what the refusal says is for whoever sent a request
        return Trouble("error", shown(say("store-is-away")), shown(say("start-store-again")))
    told = [shown(error.said) for error in refusal.errors if error.said != refusal.said]
    return Trouble("warning", shown(refusal.said), " ".join(told))
