"""A part of a report as a page reads it: strings made visible, unknown fields passed over."""

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, model_validator

from shared.visible import visible


def _visible(value: object) -> object:
    """Names and values in a report are anybody's, and a command is read before it is pasted."""
    return visible(value) if isinstance(value, str) else value


Text = Annotated[str, BeforeValidator(_visible)]


class Part(BaseModel):
    """Base of a report's parts: immutable; a null is as good as absent, so that reports of any age draw."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return {name: inner for name, inner in value.items() if inner is not None}
