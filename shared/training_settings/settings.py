"""A user's own settings of a training, in the words of HF TrainingArguments, bitsandbytes and PEFT."""

import math
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from shared.errors import WrongField
from shared.messages.message import say
from shared.schemas.frozen import Frozen
from shared.schemas.hyperparameters import Lora
from shared.training_settings.words import known_optimizer, known_schedule

Padding = Literal["max_length", "longest", "group_by_length", "packing"]
Precision = Literal["bf16", "fp16", "fp32"]
ComputeDtype = Literal["bfloat16", "float16", "float32"]
Quantization = Literal["nf4", "fp4", "int8"]
MOST_ROWS_PER_STEP = 4096

PADDING_HELP = (
    "rows are padded to `max_length` (max_seq_length tokens) or to the `longest` row of their batch; "
    "`group_by_length` puts rows of like length together; `packing` joins rows instead"
)


class TrainingSettings(Frozen):
    """What a user's own training is set to; the default is the common recipe for a small card.

    Steps below 1 are shares of the whole run, as in HF's `eval_steps`, `save_steps` and `warmup_steps`.
    """

    per_device_train_batch_size: Annotated[int, Field(ge=1, le=4096)] = 2
    gradient_accumulation_steps: Annotated[int, Field(ge=1, le=4096)] = 8
    gradient_checkpointing: bool = True
    use_reentrant: bool = Field(False, description="how checkpointing recomputes; only with it")
    padding: Padding = Field("max_length", description=PADDING_HELP)
    max_seq_length: Annotated[int, Field(ge=8, le=131_072)] = 512
    loss_on: Literal["completion", "all"] | None = Field(
        None, description="default: completion; for text, all"
    )
    dataloader_num_workers: Annotated[int, Field(ge=0, le=256)] = 0
    dataloader_pin_memory: bool = False
    optim: Annotated[str, AfterValidator(known_optimizer)] = "paged_adamw_8bit"
    learning_rate: Annotated[float, Field(gt=0, le=1)] = 2e-4
    lr_scheduler_type: Annotated[str, AfterValidator(known_schedule)] = "linear"
    warmup_steps: Annotated[float, Field(ge=0, le=10_000_000)] = Field(
        0, description="below 1: a share of the steps"
    )
    most_warmup_steps: Annotated[int, Field(ge=0)] | None = Field(
        None, description="a share of the steps is cut to so many"
    )
    num_train_epochs: Annotated[float, Field(gt=0, le=1000)] = 3.0
    max_steps: Annotated[int, Field(ge=1, le=10_000_000)] | None = Field(
        None, description="exactly so many steps, whatever num_train_epochs would give"
    )
    max_grad_norm: Annotated[float, Field(ge=0, le=1e6)] = Field(1.0, description="0: gradients aren't cut")
    precision: Precision = "bf16"
    quantization: Quantization | None = Field("nf4", description="of the base model; null: none")
    bnb_4bit_compute_dtype: ComputeDtype = "bfloat16"
    bnb_4bit_use_double_quant: bool = True
    lora: Lora = Lora()
    eval_strategy: Literal["no", "steps", "epoch"] = "no"
    eval_steps: Annotated[float, Field(gt=0)] | None = Field(None, description="below 1: a share of the run")
    per_device_eval_batch_size: Annotated[int, Field(ge=1, le=4096)] = 8
    save_strategy: Literal["no", "steps", "epoch", "best"] = "steps"
    save_steps: Annotated[float, Field(gt=0)] | None = Field(500, description="below 1: a share of the run")
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] = 42

    @model_validator(mode="after")
    def _fit_each_other(self) -> "TrainingSettings":
        if self.rows_per_step > MOST_ROWS_PER_STEP:
            rows = say("settings-rows-per-step", rows=self.rows_per_step, most=MOST_ROWS_PER_STEP)
            raise WrongField(rows, "gradient_accumulation_steps")
        for strategy, steps in (("eval_strategy", "eval_steps"), ("save_strategy", "save_steps")):
            if getattr(self, strategy) == "steps" and getattr(self, steps) is None:
                raise WrongField(say("settings-steps-missing", steps=steps, strategy=strategy), steps)
        return self

    @property
    def rows_per_step(self) -> int:
        """Rows from one update of the weights to the next, on one device."""
        return self.per_device_train_batch_size * self.gradient_accumulation_steps

    def total_steps(self, rows: int) -> int:
        """Updates in a run over so many rows (packs, where rows are joined), as HF Trainer counts them."""
        if self.max_steps is not None:
            return self.max_steps
        batches = math.ceil(rows / self.per_device_train_batch_size)
        steps_of_epoch = max(1, math.ceil(batches / self.gradient_accumulation_steps))
        return math.ceil(self.num_train_epochs * steps_of_epoch)

    def warmup_steps_of(self, total_steps: int) -> int:
        """Steps of warm-up in a run of so many."""
        if self.warmup_steps >= 1:
            return int(self.warmup_steps)
        steps = math.ceil(total_steps * self.warmup_steps)
        return steps if self.most_warmup_steps is None else min(steps, self.most_warmup_steps)
