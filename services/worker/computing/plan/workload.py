"""What a plan is made for: the speed-ups that a model, its adapter and its rows allow, and their sizes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from transformers import PreTrainedModel

from services.worker.computing.engine.description import describe
from services.worker.computing.engine.model_parts import why_not
from services.worker.computing.engine.varlen import has_kernel
from services.worker.computing.plan.activations import CountedActivations
from services.worker.models.quantized.own_kernels import bitsandbytes
from services.worker.text.marked_text import TokenRow
from shared.messages.message import Message, say

# Beyond so many tokens attention's whole score matrices and masks, where there is no kernel that makes none,
# cost more memory than all else.
LONGEST_ROW = 2048
SHORTEST_PREFIX = 3  # tokens worth a second attention group for each micro-batch


@dataclass(frozen=True)
class Workload:
    """What a model, its adapter and its rows allow beyond the model's own forward, and how large they are.

    `dequantized_bytes` is the size of all 4-bit weights in the dtype they compute in. `longest_row` has the
    most tokens of those that are learned (None: as many as are allowed), a step's rows have `step_tokens` on
    average, of which `mean_row` in each, without what they share. `adapter_parameters` are trained. With
    `whole_scores` there is no kernel that spares attention its score matrices. The adapter `drops` some of
    its inputs. `counted`: what the model's own forward keeps (None: not counted). `off` says why a speed-up
    can't be used.
    """

    own_layers: bool = False
    shared_prefix_tokens: int = 0
    dequantized_bytes: int = 0
    longest_row: int | None = None
    mean_row: float | None = None
    step_tokens: float | None = None
    adapter_parameters: int = 0
    whole_scores: bool = True
    drops: bool = False
    counted: CountedActivations | None = None
    off: Mapping[str, Message] = field(default_factory=dict)


UNKNOWN_WORKLOAD = Workload()


def workload_of(
    model: PreTrainedModel,
    rows: Sequence[TokenRow],
    *,
    dropout: float,
    rows_per_step: int,
    validation_rows: Sequence[TokenRow] = (),
) -> Workload:
    """`model` carries its adapter already. `validation_rows` are not learned, but a run computes them in the
    same layers, so these must suit them, too.
    """
    prefix, off = common_prefix(rows), dict[str, Message]()
    learned, whole_scores = max(map(len, rows)), True
    longest = max(learned, *map(len, validation_rows), 0)
    if not (reason := why_not(model, longest_row=longest)):
        weight, described = model.get_input_embeddings().weight, describe(model.config)
        whole_scores = described.scales.score_cap is not None or not has_kernel(
            weight.device, weight.dtype, described.size
        )
        if whole_scores and longest > LONGEST_ROW:
            reason = say("rows-too-long-for-own-layers", longest=longest, most=LONGEST_ROW)
    if reason:
        prefix, off = 0, {"own_layers": reason}
    elif dropout and prefix >= SHORTEST_PREFIX:
        prefix, off = 0, {"shared_prefix": say("no-shared-prefix-with-dropout", dropout=dropout)}
    elif prefix < SHORTEST_PREFIX:
        prefix, off = 0, {"shared_prefix": say("little-shared-by-rows", tokens=prefix)}
    mean_row = sum(map(len, rows)) / len(rows) - prefix
    return Workload(
        own_layers="own_layers" not in off,
        shared_prefix_tokens=prefix,
        dequantized_bytes=dequantized_bytes(model),
        longest_row=learned,
        mean_row=mean_row,
        step_tokens=mean_row * rows_per_step,
        adapter_parameters=sum(part.numel() for part in model.parameters() if part.requires_grad),
        whole_scores=whole_scores,
        drops=dropout > 0,
        off=off,
    )


def common_prefix(rows: Sequence[TokenRow]) -> int:
    """How many tokens all rows begin with."""
    first = rows[0].ids
    shared = len(first)
    for row in rows:
        length = min(shared, len(row))
        different = np.flatnonzero(row.ids[:length] != first[:length])
        shared = int(different[0]) if len(different) else length
    return shared


def dequantized_bytes(model: PreTrainedModel) -> int:
    """Of all 4-bit weights, in bf16."""
    layers = (module for module in model.modules() if isinstance(module, bitsandbytes.nn.Linear4bit))
    return sum(2 * layer.in_features * layer.out_features for layer in layers)
