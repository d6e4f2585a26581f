"""What a fine-tuning learns by, and how its steps may be computed."""

from typing import Annotated, Literal

from pydantic import Field

from shared.messages.message import say, stored
from shared.schemas.fields import ModuleName
from shared.schemas.frozen import Frozen

OptimizerName = Literal["adamw", "adamw_8bit"]
LearningRateSchedule = Literal["cosine", "linear", "constant", "constant_with_warmup"]


class Lora(Frozen):
    """Low-rank adapter of Hu et al. 2021: rank, scaling numerator, dropout and the linear layers adapted."""

    r: Annotated[int, Field(ge=1, le=512)] = Field(
        16,
        description=stored(say("field-lora-rank-row")),
    )
    alpha: Annotated[float, Field(gt=0, le=4096)] = Field(
        32,
        description=stored(say("field-lora-alpha-row")),
    )
    dropout: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.0, description=stored(say("field-lora-dropout-row"))
    )
    target_modules: (
        Annotated[list[ModuleName], Field(min_length=1, max_length=64)] | Literal["all-linear"]
    ) = Field("all-linear", description=stored(say("field-lora-layers-row")))


class Hyperparameters(Frozen):
    """What is learned; nothing here changes speed alone (that is the plan's part)."""

    n_epochs: Annotated[int, Field(ge=1, le=1000)] = Field(3, description=stored(say("field-epochs-row")))
    max_steps: Annotated[int, Field(ge=1, le=10_000_000)] | None = Field(
        None, description=stored(say("field-max-steps-row"))
    )
    global_batch_size: Annotated[int, Field(ge=1, le=4096)] = Field(
        16, description=stored(say("field-batch-size-row"))
    )
    optim: OptimizerName = Field("adamw", description=stored(say("field-optimizer-row")))
    learning_rate: Annotated[float, Field(gt=0, le=1)] = Field(
        2e-4, description=stored(say("field-learning-rate-row"))
    )
    lr_scheduler_type: LearningRateSchedule = Field("cosine", description=stored(say("field-schedule-row")))
    warmup_ratio: Annotated[float, Field(ge=0, le=1)] = Field(
        0.03, description=stored(say("field-warm-up-row"))
    )
    max_seq_length: Annotated[int, Field(ge=8, le=131_072)] = Field(
        512, description=stored(say("field-max-length-row"))
    )
    loss_on: Literal["completion", "all"] | None = Field(
        None,
        description=stored(say("field-loss-on-row")),
    )
    lora: Lora = Lora()
    max_grad_norm: Annotated[float, Field(gt=0, le=1e6)] = Field(
        1.0, description=stored(say("field-gradient-norm-row"))
    )
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] = Field(42, description=stored(say("field-seed-row")))


class ExplicitPlan(Frozen):
    """How a step is computed, chosen by hand."""

    tokens_per_micro_batch: Annotated[int, Field(ge=64, le=1_048_576)] = 4096
    gradient_checkpointing: bool = False
