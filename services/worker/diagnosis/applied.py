"""A remedy that a job applied: what was predicted of it, and what it brought."""

from typing import Literal

from shared.schemas import Frozen

RemedyKind = Literal["convert_pickle", "move_cache", "nf4_copy", "warm_page_cache"]
"""What a `model_preparation` can do; a finding's remedy says by it which of these it is."""


class AppliedRemedy(Frozen):
    """Seconds are of one load with its files out of memory (but for `warm_page_cache`).

    Null where there was nothing to predict from, or nothing to measure.
    """

    remedy: RemedyKind
    action: str
    storage: str | None = None
    """Of a move: where to."""
    before_seconds: float | None = None
    predicted_seconds: float | None = None
    measured_seconds: float | None = None
    limit_seconds: float | None = None
    """The bytes ÷ the rate of the storage they are read from now."""
    note: str | None = None

    @property
    def error_ratio(self) -> float | None:
        """measured ÷ predicted − 1."""
        if not self.predicted_seconds or self.measured_seconds is None:
            return None
        return self.measured_seconds / self.predicted_seconds - 1
