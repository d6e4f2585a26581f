"""The base of every schema."""

from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    """Base of every schema: immutable, strict about unknown fields, no NaN or infinity."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
