"""Measures the turns of `bench load`: every load runs cold, in a process of its own."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.document import Samples, say
from bench.load_models import Models
from bench.load_process import ProcessFailed, run_arm
from bench.load_turns import Budget, Case, Turn
from bench.slow_disk import SlowDisk

RESIDENT = "ours-resident"


@dataclass
class Measuring:
    """What is measured with, and what came of it so far.

    `disk` is None where none can be throttled. `tell` gets a line for every step, of no use afterwards.
    `failures` are arms that failed, and are left out from then on.
    """

    disk: SlowDisk | None
    budget: Budget
    tell: Callable[[str], None]
    pythons: dict[str, Path] = field(default_factory=dict)
    samples: Samples = field(default_factory=Samples)
    failures: dict[str, str] = field(default_factory=dict)
    anonymous_bytes: dict[str, int] = field(default_factory=dict)

    def measure(self, turn: Turn, models: Models) -> None:
        """The rate of large reads first, then the arms that there is time for; first repeats always run."""
        if not any(self._wanted(arm, turn) for arm in turn.arms):
            return
        with self._group(turn.case) as group:
            rate = models.bytes_of("read-only") / self._run("read-only", turn, models, group)["seconds"]
            for arm in turn.arms:
                if not self._wanted(arm, turn):
                    continue
                try:
                    answer = self._run(arm, turn, models, group)
                except ProcessFailed as error:
                    say(f"{turn.case.name} {arm} failed: {error}")
                    self.failures[arm] = f"{turn.case.name}: {error}"
                    continue
                seconds, limit = answer["seconds"], models.bytes_of(arm) / rate
                self.samples.add(arm, turn.case.name, "seconds", seconds)
                self.samples.add(arm, turn.case.name, "limit_seconds", limit)
                if "resident_seconds" in answer:
                    self.samples.add(RESIDENT, turn.case.name, "seconds", answer["resident_seconds"])
                say(f"{turn.case.name} repeat {turn.repeat}, {arm}: {seconds:.2f} s, limit {limit:.2f} s")

    def _wanted(self, arm: str, turn: Turn) -> bool:
        return arm not in self.failures and (turn.repeat == 1 or self.budget.fits(arm))

    def _run(self, arm: str, turn: Turn, models: Models, group: Path | None) -> dict[str, Any]:
        """What the arm says of one cold load."""
        self.tell(f"{turn.case.name}, repeat {turn.repeat}: {arm}")
        if warm := models.make_cold():
            say(f"{turn.case.name} {arm}: stayed in the page cache: {', '.join(warm)}")
        started = time.monotonic()
        answer = run_arm(arm, models.of(arm), models.artifact, python=self.pythons.get(arm), group=group)
        self.budget.took(arm, time.monotonic() - started)
        grown = answer["anonymous_growth_bytes"]
        self.anonymous_bytes[arm] = max(grown, self.anonymous_bytes.get(arm, 0))
        return answer

    @contextmanager
    def _group(self, case: Case) -> Iterator[Path | None]:
        if not case.is_throttled:
            yield None
            return
        assert self.disk is not None, f"{case.name} was to be skipped"
        with self.disk.throttled(case.throttle) as group:
            yield group
