"""What `bench load` measures and in which order: first what its claims need, then more as time allows."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from bench.slow_disk import Throttle


@dataclass(frozen=True)
class Case:
    """A disk, and the data type of the checkpoint on it; of the prepared copy it is always the same."""

    name: str
    throttle: Throttle
    dtype: str = "bfloat16"

    @property
    def is_throttled(self) -> bool:
        return self.throttle != UNTHROTTLED


UNTHROTTLED = Throttle()
SLOW = Throttle(bytes_per_second=150_000_000)
CASES = (
    Case("unthrottled", UNTHROTTLED),
    Case("150MBps", SLOW),
    Case("500MBps", Throttle(bytes_per_second=500_000_000)),
    Case("400iops", Throttle(reads_per_second=400)),
)
# The reference user's checkpoint is float32; the whole way of loading it, theirs and ours, is measured once.
FLOAT32 = Case("150MBps/float32", SLOW, dtype="float32")
QUANTIZING = ("hf-pickle-nf4", "hf-safetensors-nf4")  # a minute and more each
PREPARED = ("hf-artifact", "ours-artifact")
PEERS = ("fastsafetensors", "runai")  # they read the prepared copy's bytes into tensors


@dataclass(frozen=True)
class Turn:
    """Arms that follow each other on one disk; `repeat` counts from 1."""

    case: Case
    repeat: int
    arms: tuple[str, ...]


def turns(cases: Sequence[Case], repeats: int, *, quantizing: bool, peers: Sequence[str] = ()) -> list[Turn]:
    """The turns with the bfloat16 checkpoint, the most important first."""
    prepared = (*PREPARED, *peers)
    numbers = range(1, repeats + 1)
    quick = [Turn(case, repeat, prepared) for repeat in numbers for case in cases]
    slow = [Turn(case, repeat, QUANTIZING) for repeat in numbers for case in cases]
    return quick + slow if quantizing else quick


class Budget:
    """The time for the whole benchmark, and how long each arm's longest run took, its start included."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds
        self._longest_seconds: dict[str, float] = {}

    def took(self, arm: str, seconds: float) -> None:
        self._longest_seconds[arm] = max(seconds, self._longest_seconds.get(arm, 0.0))

    def fits(self, arm: str) -> bool:
        """True when the arm would be over in time if it took as long as ever."""
        return time.monotonic() + self._longest_seconds.get(arm, 0.0) <= self._end
