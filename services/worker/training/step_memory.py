"""The way down when memory runs out: the whole step again, the same rows with less at once."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import torch

from services.worker.computing.forward import Forward
from services.worker.computing.plan.memory_budget import MemoryBudget, free_memory_bytes
from services.worker.computing.plan.plan import Plan
from services.worker.computing.plan.smaller_plan import MicroBatchSize, halved, no_larger, smaller_plan
from services.worker.failures import FailureCode, JobFailed
from services.worker.machine.out_of_memory import RanOut, try_in_memory
from services.worker.models.memory import free_device_memory
from services.worker.running_job import RunningJob
from shared.messages.message import Message, say

Result = TypeVar("Result")
TRIES = 3
Smaller = tuple[Plan, list[Message]]


@dataclass(frozen=True)
class _Place:
    """Where in its list a micro-batch is; counted from 1."""

    number: int
    of: int
    size: MicroBatchSize


class StepMemory:
    """The plan that steps follow, and what computes by it.

    `make` gives a plan its forward; `budget` tells what a micro-batch should take. With `redraws` another
    split of a step draws other random numbers (dropout's), which is said.
    """

    code = "step_out_of_memory"

    def __init__(
        self,
        plan: Plan,
        make: Callable[[Plan], Forward],
        *,
        device: torch.device,
        job: RunningJob,
        budget: MemoryBudget | None = None,
        redraws: bool = False,
    ) -> None:
        self.plan, self._make, self._device, self._job = plan, make, device, job
        self._budget, self._redraws = budget, redraws
        self.plan_number = 0
        self._forward: Forward | None = None
        self._place: _Place | None = None
        self._largest: MicroBatchSize | None = None

    @property
    def forward(self) -> Forward:
        """Made when it is first asked for, since that takes memory, too."""
        if self._forward is None:
            self._forward = self._make(self.plan)
            self._forward.run_begins()
        return self._forward

    def follow(self, plan: Plan) -> None:
        """From here on compute by `plan`."""
        if plan == self.plan:
            self.plan = plan  # which may tell more of how it was chosen
            return
        other = self._forward.by(plan) if self._forward is not None else None
        self.close()
        self.plan, self._forward = plan, other
        self.plan_number += 1
        if other is not None:
            other.run_begins()

    def close(self) -> None:
        """The model is again what it was."""
        if self._forward is not None:
            self._forward.run_over()
            self._forward = None

    def each(self, batches: Sequence[Any]) -> Iterator[Any]:
        """`batches`, one after the other, so that the one that runs out of memory is known."""
        sizes = [MicroBatchSize(batch.rows, batch.own_tokens) for batch in batches]
        self._largest = max(sizes, key=lambda size: size.tokens, default=None)
        for number, batch in enumerate(batches, 1):
            self._place = _Place(number, len(batches), sizes[number - 1])
            yield batch
        self._place = None

    def within(
        self, step: int, work: Callable[[Forward], Result], undo: Callable[[], None] = lambda: None
    ) -> Result:
        """`work`, with less at once for as long as memory runs out; `undo` takes back what it did until then.

        All of it anew: a micro-batch whose backward pass broke off has left gradients in some layers, and
        would count twice. What did not fit once is not tried again. Raises JobFailed (out_of_memory) after
        three times in a row, or as soon as there is nothing left to give up, and what `job` raises.
        """
        tried = list[Message]()
        while True:
            self._place = self._largest = None
            done = try_in_memory(lambda: work(self.forward))
            if not isinstance(done, RanOut):
                return done
            undo()
            self._let_go()
            free_device_memory(self._device)
            free = free_memory_bytes(self._device)
            tried += self._told(done, free)
            self._give_up_some(step, done, free, tried)

    def _give_up_some(self, step: int, ran_out: RanOut, free: int | None, tried: list[Message]) -> None:
        failures = sum(one.message_id == "micro-batch-ran-out" for one in tried)
        smaller = self._smaller(failures) if failures < TRIES else None
        if smaller is None:
            raise JobFailed(
                FailureCode.OUT_OF_MEMORY,
                self._never_fits(step, self._device.type, tried),
                say("lower-sequence-length-or-free-memory"),
            )
        plan, changes = smaller
        said = self._ran_out(step, ran_out.error, free, changes)
        size = self._size()
        self.follow(plan)
        self._job.event(
            said,
            level="warn",
            data={
                "code": self.code,
                "step": step,
                "rows": size.rows,
                "tokens": size.tokens,
                "free_bytes": free,
                "smaller_plan": plan.as_dict(),
            },
        )

    def _let_go(self) -> None:
        if self._forward is not None:
            self._forward.step_over()

    def _smaller(self, failures: int) -> Smaller | None:
        quantized = self._budget is None or self._budget.dequantized_bytes > 0
        smaller = smaller_plan(self.plan, self._size(), failures, quantized=quantized)
        if smaller is None or not self._redraws or no_larger(self.plan, smaller[0]) == self.plan:
            return smaller
        return smaller[0], [*smaller[1], say("dropout-draws-anew")]

    def _ran_out(self, step: int, error: str, free_bytes: int | None, changes: list[Message]) -> Message:
        at = self._at()
        return say("step-ran-out", step=step, at=at, error=error, free_bytes=free_bytes, changes=changes)

    def _never_fits(self, step: int, device: str, tries: list[Message]) -> Message:
        return say("step-never-fits", step=step, device=device, tries=tries)

    def _size(self) -> MicroBatchSize:
        """Of what ran out: the micro-batch, or, if it was none, the largest there was."""
        if self._place is not None:
            return self._place.size
        return self._largest or MicroBatchSize(
            self.plan.rows_per_micro_batch or 2, self.plan.tokens_per_micro_batch
        )

    def _at(self) -> Message:
        if self._place is None:
            return say("out-of-micro-batches-piece" if self._largest else "before-micro-batches-piece")
        return say("in-micro-batch-piece", number=self._place.number, of=self._place.of)

    def _told(self, ran_out: RanOut, free: int | None) -> list[Message]:
        """What was tried, in numbers."""
        size, plan = self._size(), self.plan
        every = plan.recompute_every if plan.gradient_checkpointing else None
        said = [
            say(
                "micro-batch-ran-out",
                rows=size.rows,
                tokens=size.tokens,
                recomputed=0 if every is None else every,
                free_bytes=free,
                error=ran_out.error,
            )
        ]
        if self._budget is not None:
            wanted = self._budget.activations.largest(size.tokens, every)
            said.append(say("micro-batch-takes-by-estimate", wanted_bytes=math.ceil(wanted)))
        return said


class ValidationMemory(StepMemory):
    """The same for validations: they get smaller micro-batches without making those of steps smaller.

    They compute with what the steps keep of the model.
    """

    code = "validation_out_of_memory"

    def __init__(self, steps: StepMemory, *, device: torch.device, job: RunningJob) -> None:
        super().__init__(steps.plan, steps._make, device=device, job=job)
        self._steps = steps

    @property
    def forward(self) -> Forward:
        plan = no_larger(self._steps.plan, self.plan)
        return self._steps.forward.by(plan) or self._steps.forward

    def follow(self, plan: Plan) -> None:
        self.plan = plan

    def close(self) -> None:
        return

    def _let_go(self) -> None:
        self._steps._let_go()

    def _smaller(self, failures: int) -> Smaller | None:
        """There is nothing to recompute."""
        return halved(self.plan, self._size())

    def _ran_out(self, step: int, error: str, free_bytes: int | None, changes: list[Message]) -> Message:
        return say(
            "validation-ran-out",
            step=step,
            at=self._at(),
            error=error,
            free_bytes=free_bytes,
            changes=changes,
        )

    def _never_fits(self, step: int, device: str, tries: list[Message]) -> Message:
        return say("validation-never-fits", step=step, device=device, tries=tries)
