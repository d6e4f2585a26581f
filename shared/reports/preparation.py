"""What a preparation came to, as its job's record keeps it."""

from collections.abc import Mapping
from typing import Any, ClassVar

from shared.reports.finding import AppliedRemedy
from shared.reports.stored import Stored


class PreparedLoad(Stored):
    """Seconds of cold loads by way of the prepared copy; null where there was nothing to measure."""

    before_seconds: float | None = None
    predicted_seconds: float | None = None
    after_seconds: float | None = None
    limit_seconds: float | None = None


class Preparation(Stored):
    """The record's result. `artifact` is null for a checkpoint that holds 4-bit weights itself."""

    lacking: ClassVar[Mapping[str, Any]] = {"artifact": None}

    model: str
    artifact: str | None
    converted: bool
    """Whether this job made safetensors of `.bin` weights; false where that was done already."""
    source_bytes: int
    artifact_bytes: int | None = None
    save_seconds: float | None = None
    load: PreparedLoad = PreparedLoad()
    applied: tuple[AppliedRemedy, ...] = ()
    text: str = ""
    """The report for people, as plain lines."""
