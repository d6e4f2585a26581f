"""The failure that an error in a job's work amounts to."""

import torch

from services.worker.failures import Failure, FailureCode, JobFailed
from shared.messages.message import say


def failure_of(error: BaseException) -> Failure:
    """What a job said itself, else what is known of the error."""
    if isinstance(error, JobFailed):
        return error.failure
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return Failure(
            FailureCode.OUT_OF_MEMORY,
            say("device-memory-too-small"),
            say("use-less-memory"),
        )
    return Failure(
        FailureCode.INTERNAL,
        say("unexpected-error", error=type(error).__name__),
        say("report-traceback"),
    )
