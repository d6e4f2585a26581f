"""Moments in a job's life that a fault waits for: most of them last for milliseconds."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from shared.job_folder import JobFolder

if TYPE_CHECKING:
    from tests.chaos.world import World

LONGEST_WAIT_SECONDS = 8.0
LOOK_SECONDS = 0.002


def _is_loading(job: JobFolder) -> bool:
    return any(job.path.glob("attempts/*")) and not job.tokens.exists()


def _is_stepping(job: JobFolder) -> bool:
    return any(
        b'"train_loss"' in journal.read_bytes() for journal in job.path.glob("attempts/*/events.jsonl")
    )


def _is_saving(job: JobFolder) -> bool:
    return any(job.path.glob("attempts/*/ckpt.tmp-*"))


def _is_publishing(job: JobFolder) -> bool:
    return any(job.path.glob("attempts/*/adapter*.tmp"))


def _is_published(job: JobFolder) -> bool:
    """The adapter is there, and the record has not been seen to end."""
    return job.adapter.exists()


MOMENTS: dict[str, Callable[[JobFolder], bool]] = {
    "loading": _is_loading,
    "stepping": _is_stepping,
    "saving": _is_saving,
    "publishing": _is_publishing,
    "published": _is_published,
}


def wait_for(moment: str, world: "World") -> bool:
    """Return as soon as a job is there, or after some seconds; whether one was."""
    deadline = time.monotonic() + LONGEST_WAIT_SECONDS
    is_there = MOMENTS.get(moment)
    while is_there is not None and time.monotonic() < deadline:
        for job_id in world.open_jobs():
            try:
                if is_there(JobFolder.of(world.data_dir, job_id)):
                    return True
            except OSError:
                continue  # it has just gone
        time.sleep(LOOK_SECONDS)
    return is_there is None
