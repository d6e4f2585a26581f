"""What a user must know about a base model's licence before training on it."""

from collections.abc import Mapping
from typing import Any

EXAONE_NOTICE = (
    "EXAONE models are licensed for research only (EXAONE AI Model License Agreement, NC): no commercial use "
    "of the model, of adapters trained on it, or of their output. Read the LICENSE in the model's repository "
    "before you use or pass on the result."
)


def licence_notice(config: Mapping[str, Any]) -> str | None:
    """The notice for the model with this config.json; None where we know of nothing."""
    return EXAONE_NOTICE if str(config.get("model_type", "")).startswith("exaone") else None
