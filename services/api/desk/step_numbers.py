"""The loss and the time of every step of a run, read from the attempts' journals as they grow."""

import json
import threading
from array import array
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeGuard

from shared.job_folder import JobFolder

MOST_KEPT = 8  # journals, the last ones asked for
MOST_READ_BYTES = 64 * 1024**2  # of a journal at once; of a longer one, the rest when the page asks again
_MARK = b'"metrics"'  # in the line of a step; others need no parsing

_kept: "OrderedDict[Path, JournalSteps]" = OrderedDict()
_reading = threading.Lock()


@dataclass(frozen=True)
class Steps:
    """One entry a step; where a step was done again after a crash, the last time counts. NaN: not known."""

    steps: "array[int]"
    losses: "array[float]"
    seconds: "array[float]"
    validation: tuple[tuple[int, float], ...]
    """(step, loss)"""


@dataclass
class JournalSteps:
    """What was read of one journal so far; `offset` is the end of its last whole line."""

    inode: int
    offset: int = 0
    steps: "array[int]" = field(default_factory=lambda: array("q"))
    losses: "array[float]" = field(default_factory=lambda: array("d"))
    seconds: "array[float]" = field(default_factory=lambda: array("d"))
    validation: list[tuple[int, float]] = field(default_factory=list)

    def read_on(self, path: Path) -> None:
        end = self.offset + MOST_READ_BYTES
        with path.open("rb") as file:
            file.seek(self.offset)
            for line in file:
                if not line.endswith(b"\n") or self.offset > end:
                    return  # it is being written
                self.offset += len(line)
                if _MARK in line:
                    self._take(_numbers(line))

    def _take(self, numbers: dict[str, Any]) -> None:
        step = numbers.get("step")
        if not isinstance(step, int) or not 0 < step < 2**53:
            return
        if _is_number(loss := numbers.get("validation_loss")):
            self.validation.append((step, loss))
        elif _is_number(seconds := numbers.get("step_seconds")):
            loss = numbers.get("train_loss")
            self.steps.append(step)
            self.losses.append(loss if _is_number(loss) else float("nan"))
            self.seconds.append(seconds)


def steps_of(folder: JobFolder, attempts: int) -> Steps:
    """Of a job's first `attempts` attempts."""
    known = Steps(array("q"), array("d"), array("d"), ())
    with _reading:
        for journal in _journals(folder, attempts):
            known = _joined(known, journal)
    return known


def _journals(folder: JobFolder, attempts: int) -> Iterator[JournalSteps]:
    for number in range(1, attempts + 1):
        path = folder.attempt(number).journal
        try:
            file = path.stat()
            journal = _kept.pop(path, None)
            if journal is None or journal.inode != file.st_ino or journal.offset > file.st_size:
                journal = JournalSteps(file.st_ino)
            journal.read_on(path)
        except OSError:
            continue
        _kept[path] = journal
        while len(_kept) > MOST_KEPT:
            _kept.popitem(last=False)
        yield journal


def _joined(earlier: Steps, later: JournalSteps) -> Steps:
    """A later attempt goes on from a checkpoint: what came after that is done again."""
    first = later.steps[0] if later.steps else None
    if first is None:
        return earlier
    kept = sum(step < first for step in earlier.steps)
    return Steps(
        earlier.steps[:kept] + later.steps,
        earlier.losses[:kept] + later.losses,
        earlier.seconds[:kept] + later.seconds,
        (*(one for one in earlier.validation if one[0] < first), *later.validation),
    )


def _numbers(line: bytes) -> dict[str, Any]:
    """A damaged line has none."""
    try:
        event = json.loads(line)
        return dict(event["data"]) if event["type"] == "metrics" else {}
    except (ValueError, KeyError, TypeError):
        return {}


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)
