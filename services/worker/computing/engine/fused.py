"""Functions of single tokens as one kernel each on a card, where their time is what they read and write."""

import logging
from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Any, TypeVar

import torch
from torch import Tensor

Result = TypeVar("Result")

# Calling a compiled function takes a processor some 0.1 ms, the operations by themselves half of that: it
# pays where a card is kept busy for longer. So many numbers keep an RTX 3050 busy for about 0.1 ms (an H200
# for 0.03), reckoned from its memory's speed.
PAYS_FROM_NUMBERS_OF_A_MULTIPROCESSOR = 2**15

log = logging.getLogger(__name__)


def fused(function: Callable[..., Result]) -> Callable[..., Result]:
    """`function`, compiled by torch for large tensors on a card; any number of tokens (dimension 0) is one
    kernel.

    Where nothing can be compiled (no Triton, no C compiler) it is computed as it stands: slower, and the same
    but for roundings between its operations.
    """
    compiled: Callable[..., Result] | None = None
    possible = True

    @wraps(function)
    def chosen(*arguments: Any) -> Result:
        nonlocal compiled, possible
        if not possible or not _pays(arguments):
            return function(*arguments)
        compiled = compiled or torch.compile(function)  # not before: it takes a second and imports a lot
        for argument in arguments:
            if isinstance(argument, Tensor) and argument.dim() > 1:
                torch._dynamo.maybe_mark_dynamic(argument, 0)
        try:
            return compiled(*arguments)
        except torch.OutOfMemoryError:
            raise
        except Exception as error:
            log.warning("%s is not compiled, steps are slower: %s", function.__name__, str(error)[:300])
            possible = False
            return function(*arguments)

    return chosen


def _pays(arguments: tuple[Any, ...]) -> bool:
    return any(
        isinstance(argument, Tensor) and argument.is_cuda and argument.numel() >= _pays_from(argument.device)
        for argument in arguments
    )


@lru_cache
def _pays_from(device: torch.device) -> int:
    parts = torch.cuda.get_device_properties(device).multi_processor_count
    return int(parts * PAYS_FROM_NUMBERS_OF_A_MULTIPROCESSOR)
