"""Waiting for room on the disk where giving up would lose a finished run."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from safetensors import SafetensorError

from services.worker.failures import FailureCode, JobFailed
from services.worker.machine.disk_full import takes_nothing
from services.worker.running_job import RunningJob
from shared.messages.message import say

Result = TypeVar("Result")
TICK_SECONDS = 5.0


@dataclass(frozen=True)
class Patience:
    """How often a full disk is tried again, and the seconds between."""

    retries: int = 120_960  # a week: a disk that fills on Saturday costs no run
    wait_seconds: float = 5.0


def when_disk_allows(work: Callable[[], Result], job: RunningJob, patience: Patience) -> Result:
    """`work()`, tried again while the disk is full; `work` cleans up after itself.

    Raises `JobFailed` (disk_full) in the end, and whatever `job` raises in between.
    """
    problem = ""
    for tried in range(patience.retries + 1):
        try:
            return work()
        except (OSError, SafetensorError) as error:
            if not takes_nothing(error):
                raise
            problem = str(error)
        if tried == 0:
            job.event(
                say("disk-full-result-waits", error=problem),
                level="warn",
                data={"code": "disk_full"},
            )
        _wait(patience.wait_seconds, job)
    raise JobFailed(
        FailureCode.DISK_FULL,
        say("adapter-not-saved", error=problem),
        say("free-data-folder-and-submit"),
    )


def _wait(seconds: float, job: RunningJob) -> None:
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        job.progress("waiting for disk space")
        time.sleep(min(left, TICK_SECONDS))
