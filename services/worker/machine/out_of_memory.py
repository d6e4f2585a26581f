"""Running out of memory as a failure with a remedy, and the memory given back."""

from collections.abc import Callable
from typing import TypeVar

import torch

from services.worker.failures import FailureCode, JobFailed
from services.worker.models.memory import free_device_memory, is_out_of_memory
from shared.messages.message import Message, say

Result = TypeVar("Result")


def explain_out_of_memory(work: Callable[[], Result], device: torch.device, remedy: Message) -> Result:
    """`work()`; if the device's memory does not suffice, everything it held is freed and `JobFailed` raised.

    Nothing is tried again with less: fewer rows a step would be another curve, unasked. Freeing waits until
    the exception is gone, for it keeps alive every tensor of the frames it passed.
    """
    try:
        return work()
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        message = str(error).strip().partition("\n")[0][:300]
    free_device_memory(device)
    raise JobFailed(
        FailureCode.OUT_OF_MEMORY, say("device-out-of-memory", device=device.type, error=message), remedy
    )
