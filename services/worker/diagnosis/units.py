"""Numbers in a report's text; the API's pages write them alike."""

from shared.units import duration, rate, size

__all__ = ["duration", "rate", "size"]
