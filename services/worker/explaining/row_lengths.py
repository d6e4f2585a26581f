"""How many tokens a whole run computes under a way of padding, counted from the lengths of its rows."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil

from shared.training_settings.settings import Padding, TrainingSettings

MEGA_BATCHES = 50  # transformers' LengthGroupedSampler sorts within so many batches


@dataclass(frozen=True)
class Computed:
    """Of one epoch: tokens put through the layers, and in how many micro-batches."""

    tokens: int
    micro_batches: int


def computed(lengths: Sequence[int], settings: TrainingSettings, padding: Padding) -> Computed:
    """The order of the rows is drawn with the settings' seed; another order pads about as much."""
    rows, longest = settings.per_device_train_batch_size, settings.max_seq_length
    if padding == "packing":
        packs = ceil(sum(lengths) / longest)
        return Computed(sum(lengths), ceil(packs / rows))
    if padding == "max_length":
        return Computed(len(lengths) * longest, ceil(len(lengths) / rows))
    order = list(lengths)
    random.Random(settings.seed).shuffle(order)
    if padding == "group_by_length":
        order = list(_grouped(order, MEGA_BATCHES * rows * settings.gradient_accumulation_steps))
    batches = [order[first : first + rows] for first in range(0, len(order), rows)]
    return Computed(sum(max(batch) * len(batch) for batch in batches), len(batches))


def _grouped(lengths: Sequence[int], at_once: int) -> Iterator[int]:
    for first in range(0, len(lengths), at_once):
        yield from sorted(lengths[first : first + at_once], reverse=True)
