"""How a step is computed: all that may change its speed and memory, nothing that may change its result."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

import torch
from transformers import PretrainedConfig

from services.worker.computing.plan.memory_budget import MemoryBudget, find_memory_budget
from services.worker.computing.plan.workload import UNKNOWN_WORKLOAD, Workload
from shared.messages.message import Message, say
from shared.schemas.hyperparameters import ExplicitPlan

BASELINE_ROWS = 2
Attention = Literal["model", "short_rows"]


@dataclass(frozen=True)
class Tried:
    """What the first steps of a run showed of one plan: the median seconds of a row's token over `steps`
    steps. `recompute_every` is None where nothing was computed twice.
    """

    tokens_per_micro_batch: int
    recompute_every: int | None
    steps: int
    token_seconds: float


@dataclass(frozen=True)
class Plan:
    """Either `rows_per_micro_batch` decides, or `tokens_per_micro_batch`, counted with padding and without
    the shared prefix.

    `micro_batch_cost_tokens` is what one more micro-batch costs (dequantizing every weight again, launching
    every kernel), in tokens: padding less than that is not worth a micro-batch of its own. `pad_to` None
    pads to the longest row of the micro-batch. `full_logits` computes every position's logits at once;
    otherwise only those of targets, in chunks.

    `layout` and `shared_prefix_tokens` need `own_layers`: the layers of `engine/`, in place of the model's
    own. `layout` "flat" puts the rows' tokens end to end, without padding, through everything but attention.
    The first `shared_prefix_tokens` tokens, equal in all rows, are computed once per micro-batch. `weights`
    says how long a 4-bit weight stays dequantized: for one use, or the run. With `attention` "short_rows" the
    model's own attention has another backward pass. With `gradient_checkpointing`, one layer in
    `recompute_every` is computed again in the backward pass.
    `off` holds, for each speed-up that `auto` left off, the reason; versions before messages stored a text.
    `tried` are the plans that the run's first steps compared, if they did.
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
    weights: Literal["use", "run"] = "use"
    attention: Attention = "model"
    recompute_every: int = 1
    off: Mapping[str, str | Message] = field(default_factory=dict)
    tried: tuple[Tried, ...] = field(default=(), compare=False)

    @property
    def recomputed(self) -> int | None:
        """Of so many layers one is computed again; None: of none."""
        return self.recompute_every if self.gradient_checkpointing else None

    def with_micro_batches(self, tokens: int, recompute_every: int | None) -> "Plan":
        """The same with micro-batches of so many tokens, one in so many layers recomputed (None: none)."""
        return replace(
            self,
            tokens_per_micro_batch=tokens,
            gradient_checkpointing=recompute_every is not None,
            recompute_every=recompute_every or 1,
        )

    def as_dict(self) -> dict[str, Any]:
        """As it is stored; a reason stays an id and its values."""
        off = {
            name: reason if isinstance(reason, str) else reason.model_dump(mode="json")
            for name, reason in self.off.items()
        }
        fields = asdict(self)
        return {**fields, "off": off, "tried": list(fields["tried"])}  # as JSON gives them back

    @property
    def speed_ups(self) -> tuple[Message, ...]:
        """What each one that is on does."""
        recomputes_some = self.gradient_checkpointing and self.recompute_every > 1
        on = (
            (self.pad_to is None, say("lever-no-padding")),
            (not self.full_logits, say("lever-logits-of-targets")),
            (self.own_layers, say("lever-own-layers")),
            (self.layout == "flat", say("lever-flat-layout")),
            (self.shared_prefix_tokens > 0, say("lever-shared-prefix", tokens=self.shared_prefix_tokens)),
            (self.weights != "use", say("lever-weights-kept")),
            (self.attention != "model", say("lever-short-attention")),
            (not self.gradient_checkpointing, say("lever-nothing-recomputed")),
            (recomputes_some, say("lever-some-recomputed", every=self.recompute_every)),
        )
        return tuple(said for is_on, said in on if is_on)

    def described(self) -> Message:
        """In one sentence or two, for the job's events."""
        how = say("plan-piece", tokens=self.tokens_per_micro_batch, recomputed=self.recomputed or 0)
        if self.off:
            return say("plan-used-with-levers-off", plan=self.name, how=how, off=len(self.off))
        return say("plan-used", plan=self.name, how=how)

    def details(self) -> tuple[Message, ...]:
        """What each speed-up that is on does, and why each other one is off."""
        left_off = [say("lever-off", lever=name, reason=reason) for name, reason in self.off.items()]
        return (*self.speed_ups, *left_off)

    def told(self) -> dict[str, Any]:
        """What goes with `described`: the plan, and its details for who asks for them."""
        details = [detail.model_dump(mode="json") for detail in self.details()]
        return {"plan": self.as_dict(), "details": details}


def choose_plan(
    wanted: Literal["auto", "baseline"] | ExplicitPlan,
    *,
    config: PretrainedConfig,
    max_seq_length: int,
    device: torch.device,
    workload: Workload = UNKNOWN_WORKLOAD,
) -> Plan:
    """The plan for a request; `auto` looks at the model's shape, the rows, the device and the memory that is
    free now.
    """
    if wanted == "baseline":
        return baseline_plan(max_seq_length)
    budget = find_memory_budget(config, max_seq_length=max_seq_length, device=device, workload=workload)
    if isinstance(wanted, ExplicitPlan):
        plan = Plan("explicit", wanted.tokens_per_micro_batch, wanted.gradient_checkpointing)
    else:
        tokens, recompute_every = budget.best_micro_batches()
        plan = Plan("auto", tokens, recompute_every is not None, recompute_every=recompute_every or 1)
    return with_speed_ups(
        replace(plan, micro_batch_cost_tokens=budget.micro_batch_cost_tokens), workload, budget
    )


def with_speed_ups(plan: Plan, workload: Workload, budget: MemoryBudget) -> Plan:
    """`plan` with all speed-ups that can be used, and the reasons for the others."""
    off = dict(workload.off)
    wanted = budget.dequantized_bytes
    if wanted and budget.weights == "use":
        off["weights"] = say("weights-not-kept", wanted_bytes=wanted, free_bytes=budget.free_bytes)
    plan = replace(plan, weights=budget.weights, off=off)
    if not workload.own_layers:
        return replace(plan, attention=models_attention(budget.device_type))
    return replace(plan, own_layers=True, layout="flat", shared_prefix_tokens=workload.shared_prefix_tokens)


def models_attention(device_type: str) -> Attention:
    """How a model's own attention goes back: torch's kernels are quick on a card."""
    return "short_rows" if device_type == "cpu" else "model"


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
