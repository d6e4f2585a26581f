"""How a step is computed: all that may change its speed and memory, nothing that may change its result."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

import torch
from transformers import PretrainedConfig

from services.worker.loading.page_cache import available_memory_bytes
from services.worker.training.activations import ModelsOwnActivations, OwnActivations
from services.worker.training.engine.head import LOGITS_AT_ONCE
from shared.schemas import ExplicitPlan

BASELINE_ROWS = 2
# Of what is free. A card's memory is all a job's, but its allocator loses some to gaps.
SHARE_FOR_ACTIVATIONS = {"cuda": 0.85, "cpu": 0.4}
SHARE_FOR_WEIGHTS = 0.3  # dequantized for the whole run
SHARE_AT_MOST = 0.95
# Tokens of a micro-batch, best first. A CPU gains nothing from large ones, and answers a cancel later. On a
# card computing a third of everything twice costs more than dequantizing the weights twice as often.
BUDGETS = {"cuda": (4096, 2048, 1024, 768, 512), "cpu": (1024, 512)}
BUDGET_RECOMPUTING = {"cuda": 1024, "cpu": 512}
# Rough: on a small GPU dequantizing takes 60 tokens' time, on a large one launching kernels takes thousands'.
MICRO_BATCH_COST_TOKENS = {"cuda": 256, "cpu": 64}


@dataclass(frozen=True)
class Plan:
    """Either `rows_per_micro_batch` decides, or `tokens_per_micro_batch`, counted with padding and without
    the shared prefix.

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
        return {**asdict(self), "off": dict(self.off)}

    @property
    def levers(self) -> tuple[str, ...]:
        """The names of those that are on, for people."""
        on = {
            "no padding to a fixed length": self.pad_to is None,
            "logits of targets only": not self.full_logits,
            "own layers": self.own_layers,
            "flat layout": self.layout == "flat",
            f"shared prefix of {self.shared_prefix_tokens} tokens": self.shared_prefix_tokens > 0,
            f"weights dequantized once a {self.weights}": self.weights != "use",
            "nothing computed twice": not self.gradient_checkpointing,
        }
        return tuple(name for name, is_on in on.items() if is_on)

    def described(self) -> str:
        """One sentence for the job's events."""
        left_off = "; ".join(f"{lever} off: {reason}" for lever, reason in self.off.items())
        return f"Plan {self.name}: {', '.join(self.levers) or 'no lever'}" + (
            f" ({left_off})" if left_off else ""
        )


@dataclass(frozen=True)
class Levers:
    """What a model, its adapter and its rows allow beyond the model's own forward.

    `dequantized_bytes` is the size of all 4-bit weights in the dtype they compute in; `longest_row` has the
    most tokens (None: as many as are allowed); `off` says why a lever can't be used.
    """

    own_layers: bool = False
    shared_prefix_tokens: int = 0
    dequantized_bytes: int = 0
    longest_row: int | None = None
    off: Mapping[str, str] = field(default_factory=dict)


NO_LEVERS = Levers()


@dataclass(frozen=True)
class Room:
    """The memory a plan is made for: what a micro-batch takes of it, and what is free.

    `forbearance`: by how much a share may be exceeded.
    """

    activations: ModelsOwnActivations | OwnActivations
    dequantized_bytes: int
    free_bytes: float
    device_type: str = "cpu"

    def fits(
        self, tokens: int, recompute_every: int | None, *, weights: str = "use", forbearance: float = 1.0
    ) -> bool:
        """Whether a micro-batch does, beside `weights` that stay dequantized."""
        share = min(SHARE_AT_MOST, forbearance * SHARE_FOR_ACTIVATIONS[self.device_type])
        free = self.free_bytes - (0 if weights == "use" else self.dequantized_bytes)
        return self.activations.largest(tokens, recompute_every) <= free * share

    def keeps_weights(self, *, forbearance: float = 1.0) -> bool:
        return self.dequantized_bytes <= self.free_bytes * SHARE_FOR_WEIGHTS * forbearance


def find_room(
    config: PretrainedConfig, *, max_seq_length: int, device: torch.device, levers: Levers = NO_LEVERS
) -> Room:
    """The room that `device` has now."""
    free = free_memory_bytes(device)
    longest = levers.longest_row or max_seq_length
    activations = (
        OwnActivations(
            config,
            longest,
            levers.shared_prefix_tokens,
            whole_scores=device.type == "cpu",
            logits_at_once=LOGITS_AT_ONCE[device.type],
        )
        if levers.own_layers
        else ModelsOwnActivations(config, longest)
    )
    free_bytes = float("inf") if free is None else float(free)
    return Room(activations, levers.dequantized_bytes, free_bytes, device.type)


def choose_plan(
    wanted: Literal["auto", "baseline"] | ExplicitPlan,
    *,
    config: PretrainedConfig,
    max_seq_length: int,
    device: torch.device,
    levers: Levers = NO_LEVERS,
) -> Plan:
    """The plan for a request; `auto` looks at the model's shape and the memory that is free now."""
    if wanted == "baseline":
        return baseline_plan(max_seq_length)
    room = find_room(config, max_seq_length=max_seq_length, device=device, levers=levers)
    if isinstance(wanted, ExplicitPlan):
        plan = Plan("explicit", wanted.tokens_per_micro_batch, wanted.gradient_checkpointing)
        return with_levers(plan, levers, room)
    tokens, recompute_every = fitting(room, levers)
    plan = Plan(
        "auto",
        tokens,
        gradient_checkpointing=recompute_every is not None,
        micro_batch_cost_tokens=MICRO_BATCH_COST_TOKENS[device.type],
        recompute_every=recompute_every or 1,
    )
    return with_levers(plan, levers, room)


def with_levers(plan: Plan, levers: Levers, room: Room) -> Plan:
    """`plan` with all levers that can be used, and the reasons for the others."""
    if not levers.own_layers:
        return replace(plan, off=dict(levers.off))
    weights = _weights(room, levers)
    reason = f"{room.dequantized_bytes} bytes of {room.free_bytes:.0f} free"
    return replace(
        plan,
        own_layers=True,
        layout="flat",
        shared_prefix_tokens=levers.shared_prefix_tokens,
        weights=weights,
        off={**levers.off, **({"weights": reason} if weights == "use" else {})},
    )


def fitting(room: Room, levers: Levers) -> tuple[int, int | None]:
    """Tokens of a micro-batch, and of how many layers one is computed again (None: of none)."""
    weights = _weights(room, levers)
    for tokens in BUDGETS[room.device_type]:
        if room.fits(tokens, None, weights=weights):
            return tokens, None
    tokens = BUDGET_RECOMPUTING[room.device_type]
    return tokens, 2 if levers.own_layers and room.fits(tokens, 2, weights=weights) else 1


def _weights(room: Room, levers: Levers) -> Literal["use", "run"]:
    return "run" if levers.own_layers and room.keeps_weights() else "use"


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
    """None where the system does not say. What torch keeps of an earlier job's memory is free to it, what a
    cap on this process (`torch.cuda.set_per_process_memory_fraction`) forbids is not.
    """
    if device.type == "cuda":
        free, total = torch.cuda.mem_get_info(device)
        reserved, allocated = torch.cuda.memory_reserved(device), torch.cuda.memory_allocated(device)
        # Unlike its neighbours it takes no device without an index.
        allowed = int(torch.cuda.get_per_process_memory_fraction(device.index) * total)
        return min(free + reserved, allowed) - allocated
    return available_memory_bytes()
