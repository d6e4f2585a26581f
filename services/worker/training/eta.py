"""How long the rest of a run takes: as foretold, corrected by what the steps so far took."""

import time

from services.worker.training.foretold import Foretold

EARLY = 0.05  # the share of a run after which its length is told again, to be compared with the first word
LAST_STEP_COUNTS = 0.1  # in the mean of a run without a forecast


class Eta:
    """`foretold` None: each step to come takes as long as the last ones did.

    The first step of a process also makes what later ones find, and takes up to half as long again. So it
    says nothing of those to come, and counts as if it had taken what was foretold.

    `early_run_seconds` is the length of the whole run as told after `EARLY` of it; None before.
    """

    def __init__(self, foretold: Foretold | None = None) -> None:
        self.early_run_seconds: float | None = None
        self._foretold_run, self._started = foretold, time.perf_counter()
        self._forecast = foretold.forecast if foretold else None
        self._took = self._foretold = self._usual = 0.0
        self._is_first = True

    def after(self, step: int, seconds: float, total_steps: int) -> float:
        """The seconds of the steps to come, when `step` are done and the last one took `seconds`."""
        if self._forecast is None or self._foretold_run is None:
            share = LAST_STEP_COUNTS if self._usual else 1.0
            self._usual += share * (seconds - self._usual)
            return self._usual * (total_steps - step)
        foretold = self._forecast.step_seconds(step - 1)
        self._took += foretold if self._is_first else seconds
        self._foretold += foretold
        self._is_first = False
        rest = self._took / self._foretold * self._forecast.rest(step)
        done, all_steps = step - self._forecast.first, total_steps - self._forecast.first
        if self.early_run_seconds is None and done >= EARLY * all_steps:
            between = self._foretold_run.between_seconds * (1 - done / all_steps)
            self.early_run_seconds = time.perf_counter() - self._started + rest + between
        return rest
