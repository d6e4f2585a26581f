"""LoRA's dropout by counters: a mask follows from step, row, token and layer, not from what came before."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from services.worker.computing.engine.fused import fused

# Factors of MurmurHash3's finalizer, as signed numbers of 32 bits.
FIRST, SECOND = 0x85EBCA6B - 2**32, 0xC2B2AE35 - 2**32
MATRICES_OF_A_LAYER = 8  # at most; so many numbers are kept for each layer


@dataclass(frozen=True)
class Dropout:
    """Of one LoRA matrix: its `number` in the model, and which share of its inputs is dropped."""

    rate: float
    number: int

    @property
    def scale(self) -> float:
        """What is left is multiplied by this, as in Srivastava et al. 2014 and PEFT."""
        return 1 / (1 - self.rate)

    def drop(self, x: Tensor, keys: Tensor) -> Tensor:
        """[tokens, width] with zeros where it is dropped; what is left is not scaled yet. `keys` int32
        [tokens] are the tokens' own numbers, of `token_keys`.
        """
        columns = _columns(self.number, x.shape[1], x.device)
        return _dropped(x, keys, columns, round(self.rate * 2**32) - 2**31)


def token_keys(seed: int, place: int, tokens: int) -> NDArray[np.int32]:
    """A random number for each token of the row at `place` among the rows of a step, whose seed this is."""
    return _random((seed << 32) + place, tokens)


def _random(key: int, count: int) -> NDArray[np.int32]:
    """The same for the same key in every version of numpy, which promises that of raw numbers only."""
    raw = np.random.Philox(key=key).random_raw(-(-count // 2))
    return raw.view(np.int32)[:count]


@lru_cache(maxsize=4096)
def _columns(number: int, width: int, device: torch.device) -> Tensor:
    """A random number for each input of a matrix. Its key is none that a row has."""
    return torch.from_numpy(_random((1 << 127) + number, width)).to(device)


@fused
def _dropped(x: Tensor, keys: Tensor, columns: Tensor, threshold: int) -> Tensor:
    """By numbers below the threshold. A product's upper bits are its best ones, and they decide."""
    bits = (keys[:, None] ^ columns) * FIRST
    upper = (bits >> 15) & 0x1FFFF  # torch shifts with the sign
    return x.masked_fill((bits ^ upper) * SECOND < threshold, 0)
