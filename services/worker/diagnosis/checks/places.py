"""Where a model or an environment would be read faster, in the words of a remedy."""

from typing import Literal

from shared.messages.message import Message, say

Place = Literal["local SSD", "local disk", "linux side", "named volume"]


def move_model(where: Place, variable: str) -> Message:
    """`variable` is the setting that then must name the new place."""
    match where:
        case "local SSD":
            return say("move-to-local-ssd", variable=variable)
        case "local disk":
            return say("move-to-local-disk", variable=variable)
        case "linux side":
            return say("move-to-linux-side", variable=variable)
        case "named volume":
            return say("move-to-named-volume", variable=variable)


def move_cache_on(where: Place) -> Message:
    """Of a cache that a job moved: no variable moves it any more."""
    match where:
        case "local SSD":
            return say("move-cache-to-local-ssd")
        case "local disk":
            return say("move-cache-to-local-disk")
        case "linux side":
            return say("move-cache-to-linux-side")
        case "named volume":
            return say("move-cache-to-named-volume")


def build_environment(where: Place) -> Message:
    """Of Python's libraries."""
    match where:
        case "local SSD" | "local disk":
            return say("build-environment-on-local-disk")
        case "linux side":
            return say("build-environment-on-linux-side")
        case "named volume":
            return say("build-environment-on-named-volume")
