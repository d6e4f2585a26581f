"""When a delivery that failed is tried again, and when it is given up."""

import random

# Standard Webhooks' own schedule: ten tries within three days.
MINUTE, HOUR = 60.0, 3600.0
WAITS = (
    5.0, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR,
)  # fmt: skip
LONGEST_ASKED_SECONDS = 24 * HOUR
JITTER = 0.1  # so that what failed together does not come back together


def next_wait(tries: int, asked_seconds: float | None = None) -> float | None:
    """Seconds until the next try after `tries` that failed; None when there is none.

    `asked_seconds`: what the receiver wants us to wait; up to a day it is waited for.
    """
    if tries > len(WAITS):
        return None
    wait = WAITS[tries - 1] * random.uniform(1, 1 + JITTER)
    return max(wait, min(asked_seconds or 0.0, LONGEST_ASKED_SECONDS))
