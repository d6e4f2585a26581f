"""One way to compute the rows of a step, and what some rows take that way."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass

import torch
from torch import nn

from services.worker.computing.batching import target_count
from services.worker.computing.forward import Forward, choose_forward
from services.worker.computing.plan.plan import Plan
from services.worker.explaining.half_the_layers import half_the_layers
from services.worker.explaining.packing import packed
from services.worker.explaining.wide_arithmetic import in_fp32
from services.worker.machine.peak_memory import PeakMemory
from services.worker.models.load import LoadedModel
from services.worker.models.memory import free_device_memory, is_out_of_memory
from services.worker.phase_clock import PhaseClock
from services.worker.text.marked_text import TokenRow


@dataclass(frozen=True)
class Arm:
    """What is compared: a plan, and whether all products are computed in fp32 instead of the model's dtype.

    `name` says what was changed, in the words of the settings. Of the rows of a step it is timed on the first
    `rows` (None: on all), and `half` says that half of the layers are left out.
    """

    name: str
    plan: Plan
    fp32: bool = False
    rows: int | None = None
    half: bool = False
    pack_to: int | None = None
    """Rows are joined to packs of so many tokens."""

    def rows_of(self, step: Sequence[TokenRow]) -> Sequence[TokenRow]:
        """Those of a step that the arm is timed on."""
        return step[: self.rows]

    def as_computed(self, rows: Sequence[TokenRow]) -> Sequence[TokenRow]:
        """None longer than the arm pads to; or joined to packs."""
        if self.pack_to is not None:
            return packed(rows, self.pack_to)
        longest = self.plan.pad_to
        return rows if longest is None else [row.cut(longest) for row in rows]


@dataclass(frozen=True)
class Timed:
    """What some rows took: wall and processor seconds of forward and backward over all their micro-batches,
    and the peak of the device's memory in bytes (None where it can't be read).
    """

    seconds: float
    processor_seconds: float
    phase_seconds: Mapping[str, float]
    """By `Phase`; they add up to `seconds`."""
    rows: int
    micro_batches: int
    computed_tokens: int
    real_tokens: int
    peak_bytes: int | None
    loss: float
    on_processor: bool = True
    """The device is the processor, so its seconds are those of the work."""

    @property
    def data_seconds(self) -> float:
        """Of `seconds`, making the micro-batches and copying them to the device."""
        return self.phase_seconds.get("data", 0.0) + self.phase_seconds.get("copy", 0.0)


class ArmSteps:
    """Computes rows by one arm on a model that carries its adapter; nothing of the model is changed after."""

    def __init__(self, base: LoadedModel, arm: Arm, parameters: Mapping[str, nn.Parameter]) -> None:
        self.arm, self._base, self._parameters = arm, base, parameters
        self._clock = PhaseClock(base.device)
        self._forward: Forward = choose_forward(
            base.model, arm.plan, base.device, fp32=arm.fp32, clock=self._clock
        )
        self._memory = PeakMemory(base.device)

    def __call__(self, rows: Sequence[TokenRow], tick: Callable[[], None] = lambda: None) -> Timed:
        """Loss and gradients of `rows`; the gradients are thrown away. `tick` may raise `JobStopped`."""
        with self._ready():
            self._memory.restart()
            started, processor, clock = self._now(), time.process_time(), self._clock
            clock.take(then="rest")
            with clock.phase("data"):
                joined = self.arm.as_computed(rows)
                targets = max(1, target_count(joined))  # of rows that are cut none may be left
                batches = list(self._forward.batches(joined))
            total = torch.zeros((), device=self._base.device)
            for batch in batches:
                with clock.phase("forward"):
                    share = self._forward.loss(batch, 1.0 / targets)
                with clock.phase("backward"):
                    share.backward()
                total += share.detach()
                with clock.phase("logging"):
                    tick()
            loss, phases = total.item(), clock.take()
            seconds, processor = self._now() - started, time.process_time() - processor
            self._forward.step_over()
        return Timed(
            seconds=seconds,
            processor_seconds=processor,
            phase_seconds=phases,
            rows=len(rows),
            micro_batches=len(batches),
            computed_tokens=sum(batch.computed_tokens for batch in batches),
            real_tokens=sum(batch.real_tokens for batch in batches),
            peak_bytes=self._memory.read(),
            loss=loss,
            on_processor=self._base.device.type == "cpu",
        )

    def fits(self, rows: Sequence[TokenRow], tick: Callable[[], None], *, must: bool) -> bool:
        """Whether the memory is enough for `rows`, seen by computing them; with `must` an error is raised.

        What it held is freed outside the `except`: the exception keeps every tensor of the frames it passed.
        """
        try:
            self(rows, tick)
        except (MemoryError, RuntimeError) as error:
            if must or not is_out_of_memory(error):
                raise
        else:
            return True
        free_device_memory(self._base.device)
        return False

    def _now(self) -> float:
        """The time, when the device is idle."""
        if self._base.device.type == "cuda":
            torch.cuda.synchronize(self._base.device)
        return time.perf_counter()

    @contextmanager
    def _ready(self) -> Iterator[None]:
        model = self._base.model
        training = model.training
        model.train()
        self._forward.run_begins()
        try:
            with (
                in_fp32(model) if self.arm.fp32 else nullcontext(),
                half_the_layers(model) if self.arm.half else nullcontext(),
            ):
                yield
        finally:
            self._forward.run_over()
            for parameter in self._parameters.values():
                parameter.grad = None
            model.train(training)
