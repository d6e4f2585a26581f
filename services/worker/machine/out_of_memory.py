"""Running out of memory as a failure with a remedy, and the memory given back."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import torch

from services.worker.failures import FailureCode, JobFailed
from services.worker.models.memory import free_device_memory, is_out_of_memory
from shared.messages.message import Message, say

Result = TypeVar("Result")


def explain_out_of_memory(work: Callable[[], Result], device: torch.device, remedy: Message) -> Result:
    """`work()`; if the device's memory does not suffice, everything it held is freed and `JobFailed` raised.

    Nothing is tried again with less: that is for who knows what may be less (`training.step_memory`).
    """
    done = try_in_memory(work)
    if not isinstance(done, RanOut):
        return done
    free_device_memory(device)
    raise JobFailed(
        FailureCode.OUT_OF_MEMORY, say("device-out-of-memory", device=device.type, error=done.error), remedy
    )


@dataclass(frozen=True)
class RanOut:
    """Memory did not suffice; `error` is the first line of what the allocator said."""

    error: str


def try_in_memory(work: Callable[[], Result]) -> Result | RanOut:
    """`work()`, or that memory ran out. Other errors pass.

    Once this has returned, the exception is gone. Before, nothing of the work could be freed: an exception
    keeps alive every tensor of the frames it passed.
    """
    try:
        return work()
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        return RanOut(str(error).strip().partition("\n")[0][:300])
