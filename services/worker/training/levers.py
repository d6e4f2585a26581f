"""What of the fast step a model, its adapter and its rows allow."""

from collections.abc import Sequence

import bitsandbytes
import numpy as np
from transformers import PreTrainedModel

from services.worker.training.engine.model_parts import why_not
from services.worker.training.marked_text import TokenRow
from services.worker.training.plan import Levers

# Beyond so many tokens attention's whole score matrices and masks cost more memory than all else.
LONGEST_ROW = 2048
SHORTEST_PREFIX = 3  # tokens worth a second attention group for each micro-batch


def levers_for(model: PreTrainedModel, rows: Sequence[TokenRow], *, dropout: float) -> Levers:
    """`model` may carry its adapter already or not yet."""
    longest = max(len(row) for row in rows)
    if reason := why_not(model, dropout=dropout):
        return Levers(longest_row=longest, off={"own_layers": reason})
    if longest > LONGEST_ROW:
        reason = f"the longest row has {longest} tokens, more than {LONGEST_ROW}"
        return Levers(longest_row=longest, off={"own_layers": reason})
    prefix = common_prefix(rows)
    off = {}
    if prefix < SHORTEST_PREFIX:
        off["shared_prefix"] = f"all rows have only their first {prefix} tokens in common"
    return Levers(
        own_layers=True,
        shared_prefix_tokens=prefix if not off else 0,
        dequantized_bytes=dequantized_bytes(model),
        longest_row=longest,
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
