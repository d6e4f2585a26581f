"""What a request for live events asked for, once Flask has checked it: handed on to the event loop."""

from collections.abc import Callable
from dataclasses import dataclass

ORDER = "tunedock.stream"  # in the request's WSGI environment: the stream that is to follow the answer's head


@dataclass(frozen=True)
class StreamOrder:
    """The events of one job (None: of all), after the one with the id `after`.

    `after`: None is the whole history of a job; of all jobs, what happens from now on. `language` and
    `naming`: how sentences are written for this reader (`shared.messages.render.set_reader`).
    """

    job_id: str | None
    after: str | None
    language: str
    naming: Callable[[str], str]
    request_id: str
