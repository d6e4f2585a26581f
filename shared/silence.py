"""How long another process has been silent, as far as this one can tell."""

import time


class Silence:
    """Seconds without a sign, of this process's own attention.

    Time in which this process did not look does not count: both may have been stopped together, by a
    container that is paused or a machine that sleeps.
    """

    def __init__(self, usual_seconds: float) -> None:
        """Looks are expected every `usual_seconds`."""
        self._usual_seconds = usual_seconds
        self._last: object = None
        self._looked_at = time.monotonic()
        self._seconds = 0.0

    def after(self, sign: object) -> float:
        """Look once more: seconds since `sign` changed last."""
        now = time.monotonic()
        attention = min(now - self._looked_at, 2 * self._usual_seconds)
        self._seconds = self._seconds + attention if sign == self._last else 0.0
        self._last, self._looked_at = sign, now
        return self._seconds
