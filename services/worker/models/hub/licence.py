"""What a user must know about a base model's licence before training on it."""

from collections.abc import Mapping
from typing import Any

from shared.messages.message import Message, say


def licence_notice(config: Mapping[str, Any]) -> Message | None:
    """The notice for the model with this config.json; None where we know of nothing."""
    return say("exaone-licence") if str(config.get("model_type", "")).startswith("exaone") else None
