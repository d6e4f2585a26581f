"""How a step is computed: all that may change its speed and memory, nothing that may change its result."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import torch
from transformers import PretrainedConfig

from services.worker.loading.page_cache import available_memory_bytes
from shared.schemas import ExplicitPlan

BASELINE_ROWS = 2
MEMORY_SHARE_FOR_ACTIVATIONS = 0.4
# Tokens of a micro-batch, best first. A CPU gains nothing from large ones, and answers a cancel later.
BUDGETS = {"cuda": (4096, 2048, 1024), "cpu": (1024, 512)}
# Rough: on a small GPU dequantizing takes 60 tokens' time, on a large one launching kernels takes thousands'.
MICRO_BATCH_COST_TOKENS = {"cuda": 256, "cpu": 64}


@dataclass(frozen=True)
class Plan:
    """Either `rows_per_micro_batch` decides, or `tokens_per_micro_batch` counted with padding.

    `micro_batch_cost_tokens` is what one more micro-batch costs (dequantizing every weight again, launching
    every kernel), in tokens: padding less than that is not worth a micro-batch of its own. `pad_to` None
    pads to the longest row of the micro-batch. `full_logits` computes every position's logits at once;
    otherwise only those of targets, in chunks.

    The levers below `own_layers` need it: the Llama family's layers written out in `engine/`, in place of
    the model's own. `layout` "flat" puts the rows' tokens end to end, without padding, through everything
    but attention. The first `shared_prefix_tokens` tokens, equal in all rows, are computed once per
    micro-batch. `weights` says how long a 4-bit weight stays dequantized: for one use, one step or the run.
    With `gradient_checkpointing`, one layer in `recompute_every` is computed again in the backward pass.
    `off` holds, for each lever `auto` left off, the reason.
    """

    name: Literal["auto", "baseline", "explicit"]
    tokens_per_micro_batch: int
    gradient_checkpointing: bool
    micro_batch_cost_tokens: int = 64
    rows_per_micro_batch: int | None = None
    pad_to: int | None = None
    attention_mask: bool = False
    full_logits: bool = False
    own_layers: bool = False
    layout: Literal["padded", "flat"] = "padded"
    shared_prefix_tokens: int = 0
    weights: Literal["use", "step", "run"] = "use"
    recompute_every: int = 1
    off: Mapping[str, str] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def choose_plan(
    wanted: Literal["auto", "baseline"] | ExplicitPlan,
    *,
    config: PretrainedConfig,
    max_seq_length: int,
    device: torch.device,
) -> Plan:
    """The plan for a request; `auto` looks at the model's shape and the memory that is free now."""
    if isinstance(wanted, ExplicitPlan):
        return Plan("explicit", wanted.tokens_per_micro_batch, wanted.gradient_checkpointing)
    if wanted == "baseline":
        return baseline_plan(max_seq_length)
    free = free_memory_bytes(device)
    room = float("inf") if free is None else free * MEMORY_SHARE_FOR_ACTIVATIONS
    per_token = activation_bytes_per_token(config)
    budgets, cost = BUDGETS[device.type], MICRO_BATCH_COST_TOKENS[device.type]
    for tokens in budgets:
        if max(tokens, max_seq_length) * per_token <= room:
            return Plan("auto", tokens, gradient_checkpointing=False, micro_batch_cost_tokens=cost)
    return Plan("auto", budgets[-1], gradient_checkpointing=True, micro_batch_cost_tokens=cost)


def baseline_plan(max_seq_length: int) -> Plan:
    """What HF Trainer does in the common QLoRA recipe: two rows, padded to the full length, all
    checkpointed.
    """
    return Plan(
        "baseline",
        tokens_per_micro_batch=BASELINE_ROWS * max_seq_length,
        gradient_checkpointing=True,
        rows_per_micro_batch=BASELINE_ROWS,
        pad_to=max_seq_length,
        attention_mask=True,
        full_logits=True,
    )


def free_memory_bytes(device: torch.device) -> int | None:
    """None where the system does not say."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    return available_memory_bytes()


def activation_bytes_per_token(config: PretrainedConfig) -> int:
    """What one token keeps for the backward pass, all layers, uncheckpointed: a rough upper estimate.

    Counted for a pre-norm block with LoRA on every linear layer: about 16 tensors of the hidden size and 6
    of the inner size, 4 bytes each (LoRA's own inputs are fp32 even where the base computes in bf16).
    """
    inner = getattr(config, "intermediate_size", None) or 4 * config.hidden_size
    return int(config.num_hidden_layers * (16 * config.hidden_size + 6 * inner) * 4)
