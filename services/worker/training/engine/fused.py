"""Functions of single tokens as one kernel each on a card, where their time is what they read and write."""

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

import torch
from torch import Tensor

Result = TypeVar("Result")

log = logging.getLogger(__name__)


def fused(function: Callable[..., Result]) -> Callable[..., Result]:
    """`function`, compiled by torch for tensors on a card; any number of tokens (dimension 0) is one kernel.

    Where nothing can be compiled (no Triton, no C compiler) it is computed as it stands: slower, and the same
    but for roundings between its operations.
    """
    compiled: Callable[..., Result] | None = None
    possible = True

    @wraps(function)
    def chosen(*arguments: Any) -> Result:
        nonlocal compiled, possible
        if not possible or not _on_card(arguments):
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


def _on_card(arguments: tuple[Any, ...]) -> bool:
    return any(isinstance(argument, Tensor) and argument.is_cuda for argument in arguments)
