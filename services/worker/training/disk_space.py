"""Waiting for room on the disk where giving up would lose a finished run."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from safetensors import SafetensorError

from services.worker.failures import FailureCode, JobFailed
from services.worker.machine.disk_full import is_disk_full
from services.worker.report import Report

Result = TypeVar("Result")
TICK_SECONDS = 5.0


@dataclass(frozen=True)
class Patience:
    """How often a full disk is tried again, and the seconds between."""

    retries: int = 60
    wait_seconds: float = 60.0


def when_disk_allows(work: Callable[[], Result], report: Report, patience: Patience) -> Result:
    """`work()`, tried again while the disk is full; `work` cleans up after itself.

    Raises `JobFailed` (disk_full) in the end, and whatever `report` raises in between.
    """
    problem = ""
    for attempt in range(patience.retries + 1):
        try:
            return work()
        except (OSError, SafetensorError) as error:
            if not is_disk_full(error):
                raise
            problem = str(error)
        if attempt == 0:
            report.event(
                f"The disk is full ({problem}). Free space in the data folder; the result is saved as "
                "soon as there is room.",
                level="warn",
                data={"code": "disk_full"},
            )
        _wait(patience.wait_seconds, report)
    raise JobFailed(
        FailureCode.DISK_FULL,
        f"The adapter could not be saved: {problem}",
        "Free space in the data folder and submit the job again.",
    )


def _wait(seconds: float, report: Report) -> None:
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        report.progress("waiting for disk space")
        time.sleep(min(left, TICK_SECONDS))
