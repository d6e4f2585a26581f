"""What becomes of a report that is no use to a page."""

from pydantic import ValidationError

from shared.errors import NotFound
from shared.messages.message import say


def nothing_to_draw(job_id: str, error: ValidationError) -> NotFound:
    """Names the first fields that are missing or of no use."""
    fields = sorted({".".join(map(str, problem["loc"])) for problem in error.errors()})[:3]
    return NotFound(say("report-not-drawn", job=job_id, fields=fields))
