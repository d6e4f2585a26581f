"""Turns a stream of byte counts into a job's progress, at most twice a second."""

import threading
import time

from services.worker.running_job import JobStopped, RunningJob

SECONDS_BETWEEN_REPORTS = 0.5


class ByteProgress:
    """Counts bytes of one stage and tells the job; safe to call from several threads.

    When the job is to stop, that order is raised in every thread that calls again.
    """

    def __init__(self, job: RunningJob, stage: str, total_bytes: int = 0) -> None:
        self.total_bytes = total_bytes
        self.done_bytes = 0
        self.stopped: JobStopped | None = None
        self._job, self._stage = job, stage
        self._lock = threading.Lock()
        self._next_report = 0.0

    def add(self, count: int) -> None:
        with self._lock:
            self.done_bytes += count
            self._tell()

    def reached(self, done: int) -> None:
        with self._lock:
            self.done_bytes = done
            self._tell()

    def expect(self, more_bytes: int) -> None:
        with self._lock:
            self.total_bytes += more_bytes

    def _tell(self) -> None:
        if self.stopped is not None:
            raise self.stopped
        if (now := time.monotonic()) < self._next_report:
            return
        self._next_report = now + SECONDS_BETWEEN_REPORTS
        fraction = min(1.0, self.done_bytes / self.total_bytes) if self.total_bytes else None
        try:
            self._job.progress(
                self._stage, done_bytes=self.done_bytes, total_bytes=self.total_bytes, fraction=fraction
            )
        except JobStopped as order:
            self.stopped = order
            raise
