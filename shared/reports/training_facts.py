"""What is known about the steps of one training: gathered once, then only read by checks, page and text.

Seconds are wall time, sizes bytes, ratios 0 to 1 unless said otherwise; what was not measured is None.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from shared.reports.machine import Memory, Pressure, ProcessorUse
from shared.reports.stored import Said, Stored, Word

Stage = Literal[
    "model_load", "data_load", "kbit_preparation", "lora", "tokenizing", "collating", "set_up", "training"
]
"""The eight stages of a run. `collating` is part of every step: it lies within `training`, not beside it."""
STAGES: tuple[Stage, ...] = (
    "model_load", "data_load", "kbit_preparation", "lora",
    "tokenizing", "collating", "set_up", "training",
)  # fmt: skip

Phase = Literal[
    "data", "copy", "forward", "recomputation", "backward",
    "dequantizing", "head_and_loss", "optimizer", "logging", "rest",
]  # fmt: skip
"""What a step's seconds are made of; each second is in one phase. `backward` is without what is computed
again, `dequantizing` and `head_and_loss` are taken out of forward and backward where they were seen. `rest`
is what no timer saw: gaps of the host.
"""
PHASES: tuple[Phase, ...] = (
    "data", "copy", "forward", "recomputation", "backward",
    "dequantizing", "head_and_loss", "optimizer", "logging", "rest",
)  # fmt: skip

Between = Literal["validation", "saving", "reporting", "other"]
"""What a run does between its steps."""
BETWEEN: tuple[Between, ...] = ("validation", "saving", "reporting", "other")

RunPart = Literal["steps", "validation", "saving", "reporting", "other"]
"""What the seconds from a run's first step to its last are for: its steps, and what lies between them."""
RUN_PARTS: tuple[RunPart, ...] = ("steps", "validation", "saving", "reporting", "other")

Factor = Literal[
    "padding", "gradient_checkpointing", "batch_size", "gradient_accumulation", "data_loading",
    "sequence_length", "precision", "model_size", "device",
]  # fmt: skip

Basis = Literal["measured", "counted", "predicted", "does_not_fit", "not_tried"]
"""How a cost is known: timed in turns on the same rows; by arithmetic from what was timed; from smaller ones
that fit; it needs more memory than there is (then predicted, too); or not at all, with the reason.
"""


class TokenCounts(Stored):
    """Of the rows of a whole data set, as they are trained on."""

    rows: int
    real_tokens: int
    computed_tokens: int
    """With the padding of the settings at hand."""
    target_tokens: int
    mean: float
    p50: int
    p95: int
    longest: int
    truncated_rows: int = 0
    lost_tokens: int = 0
    lost_answers: int = 0
    """Of which nothing is learned; of `cut_answers` the end is missing. `answers` counts all."""
    cut_answers: int = 0
    answers: int = 0

    @property
    def padding_ratio(self) -> float:
        """The share of computed tokens that stand for nothing."""
        return max(0.0, 1 - self.real_tokens / self.computed_tokens) if self.computed_tokens else 0.0


class StepSplit(Stored):
    """The seconds of a step as its median, and where they go; `phase_seconds` adds up to `step_seconds`."""

    lacking: ClassVar[Mapping[str, Any]] = {"phase_seconds": {}, "steps": 0, "how": "timers"}

    step_seconds: float
    phase_seconds: dict[str, float]
    """By `Phase`."""
    steps: int
    """That were timed."""
    how: Word[Literal["timers", "profiler"]]
    """`profiler`: dequantizing was seen by the profiler on `profiled_steps` further micro-batches."""
    profiled_steps: int = 0
    computed_tokens: float = 0.0
    """Of a step, on average; likewise `real_tokens`."""
    real_tokens: float = 0.0


class FactorCost(Stored):
    """One thing that could be otherwise, and what a step takes then, all else as it is."""

    lacking: ClassVar[Mapping[str, Any]] = {"same_learning": True}

    factor: Word[Factor]
    as_is: str
    """The value at hand, in the words of the settings: "on", "2", "max_length (512)"; likewise `changed`."""
    changed: str
    basis: Word[Basis]
    as_is_seconds: float | None = None
    """A whole step, all its rows; likewise `changed_seconds`."""
    changed_seconds: float | None = None
    ratio: float | None = None
    """as_is ÷ changed, above 1 where the change is faster: the median over rounds, not of the two above."""
    ratio_low: float | None = None
    """With `ratio_high` the 95 % interval, by bootstrap over rounds; None where nothing was measured."""
    ratio_high: float | None = None
    rounds: int = 0
    as_is_peak_bytes: int | None = None
    changed_peak_bytes: int | None = None
    same_learning: bool
    """Whether the same is learned after the change: the same rows and updates, but for rounding."""
    advice: Said
    """One sentence on what to do."""

    @property
    def saves_ratio(self) -> float:
        """The share of a step that the change saves; below 0 where it costs."""
        return 0.0 if not self.ratio else 1 - 1 / self.ratio


class PathStep(Stored):
    """One change on the way from the settings to the best: gains do not add, so each is timed on top of
    those before it.
    """

    change: str
    """In the words of the settings, "gradient_checkpointing off"; the first is "as configured"."""
    step_seconds: float
    run_seconds: float
    same_learning: bool = True


class MemoryParts(Stored):
    """What a step's peak is made of, in bytes."""

    weights: int | None = None
    embedding: int | None = None
    adapter_and_optimizer: int | None = None
    activations: int | None = None
    logits: int | None = None
    context: int | None = None
    """What the device's driver and libraries take; on a processor, the process before the model."""
    peak: int | None = None
    limit: int | None = None
    """Free at the start, or the cap on this process."""


class DeviceFacts(Stored):
    """What the device can do, and what was seen of it while it trained."""

    name: str
    kind: Word[Literal["cuda", "cpu"]]
    matrix_flops_per_second: float | None = None
    """Of large square products in the fastest of its number formats."""
    fp32_flops_per_second: float | None = None
    memory_bytes_per_second: float | None = None
    achieved_flops_per_second: float | None = None
    """The arithmetic of the step's computed tokens, counted by hand, ÷ its seconds."""
    power_watts: float | None = None
    power_limit_watts: float | None = None
    clock_hertz: float | None = None
    clock_start_hertz: float | None = None
    temperature_celsius: float | None = None
    throttle_reasons: tuple[str, ...] = ()
    """Seen in at least half of the looks: "power", "thermal", "hardware_slowdown"."""
    memory_bytes: int | None = None
    free_bytes: int | None = None
    """The least that was seen."""
    busy_ratio: float | None = None
    """Of the profiled steps: seconds in which a kernel ran ÷ wall seconds."""
    shared_memory_bytes: int | None = None
    """Of the card's data in main memory: where Windows puts what does not fit."""
    shared_memory_start_bytes: int | None = None
    """The same after loading: pinned memory counts as shared."""
    other_processes_bytes: int | None = None

    @property
    def achieved_ratio(self) -> float | None:
        if not self.matrix_flops_per_second or self.achieved_flops_per_second is None:
            return None
        return self.achieved_flops_per_second / self.matrix_flops_per_second


class PredictedPart(Stored):
    """Seconds of a run that are for one thing."""

    part: Word[RunPart]
    predicted: float
    measured: float | None = None


class Prediction(Stored):
    """What was foretold beside what then happened."""

    quantity: Word[Literal["step_seconds", "peak_memory_bytes", "run_seconds"]]
    predicted: float
    measured: float | None = None
    when: str = "start"
    """"start": before the first step; "5 %": once so much of the run was done."""
    parts: tuple[PredictedPart, ...] = ()
    """Of `run_seconds` at the start, what it adds up from."""

    @property
    def error_ratio(self) -> float | None:
        """measured ÷ predicted − 1."""
        return None if not self.predicted or self.measured is None else self.measured / self.predicted - 1


class StepPoint(Stored):
    """One step of a run, or the mean of neighbours where there are too many to draw."""

    step: int
    seconds: float
    computed_tokens: int
    real_tokens: int
    loss: float | None = None
    disturbed: str | None = None
    """What held it up, or began with it: "out_of_memory", "throttled", "spilled", "drift"; or what came after
    it: "validation", "saving"."""


PLAN_AUTO = "plan auto"
"""The `change` of the last `PathStep`."""


class TrainingFacts(Stored):
    """Everything that the checks of a training ask."""

    lacking: ClassVar[Mapping[str, Any]] = {"stages": {}, "between_seconds": {}}

    model: str
    settings: dict[str, Any] | None = None
    """The user's, of `shared.training_settings`; None for a fine-tuning, which has a plan."""
    plan: dict[str, Any] | None = None
    total_steps: int
    made_steps: int | None = None
    """Of a run that ended before its last step; None where all were made."""
    rows_per_step: int
    stages: dict[str, float]
    """Seconds by `Stage`."""
    wall_seconds: float | None = None
    """Of the last attempt, from the job's first moment to its last."""
    steps_seconds: float | None = None
    """All steps of a fine-tuning together, over all its attempts."""
    step: StepSplit
    auto_step: StepSplit | None = None
    """A diagnosis' step by the plan `auto`, on the same rows."""
    between_seconds: dict[str, float]
    """By `Between`, over the whole run: measured, or for a diagnosis predicted from the settings."""
    between_counts: dict[str, int] = {}
    """How often each of them happens in the run."""
    validation_rows: int | None = None
    """Of one validation; a diagnosis, whose settings name none, assumes a tenth of the data set."""
    tokens: TokenCounts
    factors: tuple[FactorCost, ...] = ()
    path: tuple[PathStep, ...] = ()
    memory: MemoryParts = MemoryParts()
    device: DeviceFacts
    machine_memory: Memory | None = None
    pressure: Pressure | None = None
    processor: ProcessorUse | None = None
    processor_ratio: float | None = None
    """This process's processor seconds ÷ wall seconds ÷ its threads; falls when others take the processor."""
    compute_dtype: str | None = None
    """Of the layers' products as they were seen: "bfloat16", "float32"."""
    recomputed_ratio: float | None = None
    """Layers computed twice ÷ layers."""
    predictions: tuple[Prediction, ...] = ()
    points: tuple[StepPoint, ...] = ()
    validation: tuple[tuple[int, float], ...] = ()
    """(step, loss)."""

    @property
    def whole_step_seconds(self) -> float:
        """A step with its part of what the run does between steps."""
        return self.step.step_seconds + sum(self.between_seconds.values()) / max(1, self.total_steps)

    @property
    def unseen_seconds(self) -> float | None:
        """Of the wall seconds what no stage has. Collating is a part of training."""
        if self.wall_seconds is None:
            return None
        apart = sum(seconds for stage, seconds in self.stages.items() if stage != "collating")
        return max(0.0, self.wall_seconds - apart)
