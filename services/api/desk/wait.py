"""Times as a page tells them: how long something takes or took, and how long ago it was."""

import time

from shared.messages.message import say
from shared.messages.render import told
from shared.units import span

JUST_NOW_SECONDS = 5


def ago(seconds: float) -> str:
    """Of a time in UTC seconds; a clock that runs ahead is just now."""
    passed = time.time() - seconds
    if passed < JUST_NOW_SECONDS:
        return told(say("just-now-row"))
    return told(say("ago-row", passed=rough(passed)))


def rough(seconds: float) -> str:
    """A stretch of time without fractions of a second: 42 s, 4.2 min, 6.5 h."""
    return f"{round(seconds)} s" if 1 <= seconds < 119.5 else span(seconds)
