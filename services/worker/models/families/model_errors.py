"""Errors out of a model's own code, told from ours: against those another model helps."""

import logging
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from services.worker.failures import FailureCode, JobFailed
from services.worker.models.memory import is_out_of_memory
from services.worker.running_job import JobStopped
from shared.messages.message import say

logger = logging.getLogger(__name__)

_FOREIGN = ("/transformers/", "/peft/", "/torch/autograd/")
_DEVICE_WORDS = ("CUDA error", "CUBLAS", "cuDNN", "device-side assert")


@contextmanager
def model_errors_explained(name: str) -> Iterator[None]:
    """What the code of the model `name` in transformers, or PEFT on it, raises: JobFailed(MODEL_UNSUPPORTED).

    Left as they are: our own errors, orders to the job, too little memory, and a device or disk that failed.
    """
    try:
        yield
    except (JobFailed, JobStopped, OSError, torch.AcceleratorError):
        raise
    except Exception as error:
        if is_out_of_memory(error) or any(word in str(error) for word in _DEVICE_WORDS):
            raise
        if (place := _foreign_place(error)) is None:
            raise
        logger.warning("the code of %s failed", name, exc_info=error)
        raise JobFailed(
            FailureCode.MODEL_UNSUPPORTED,
            say("model-code-fails", error=_first_line(error), file=place[0], line=place[1]),
            say("name-other-model-or-fewer-layers"),
        ) from error


def _foreign_place(error: Exception) -> tuple[str, str] | None:
    """The innermost file and line in a library's code for models or adapters; None if ours lies within."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        path = Path(frame.filename).as_posix()
        if any(part in path for part in _FOREIGN):
            return Path(path).name, str(frame.lineno)
        if "/site-packages/" not in path:
            return None
    return None


def _first_line(error: Exception) -> str:
    line = (str(error).strip().splitlines() or [""])[0][:300]
    return f"{type(error).__name__}: {line}"
