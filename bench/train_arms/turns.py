"""An arm takes turns with the others: as many steps as it is told, then it waits."""

import json
import time
from typing import TextIO

import torch


class TurnsOver(BaseException):
    """No more steps are wanted. Not an Exception, so that no library takes it for a failure of its own."""


class Turns:
    """Orders are lines with a number of steps; each step is answered with a line of JSON.

    A step's seconds go from the end of the one before (or from the order) to its own end: fetching rows,
    computing, updating, logging. `processor_seconds` are this process's in that time, of all its threads.
    """

    def __init__(self, orders: TextIO, answers: TextIO) -> None:
        self._orders, self._answers = orders, answers
        self._left = 0
        self._started = self._processor = 0.0

    def wait(self) -> None:
        """Blocks until steps are wanted; raises `TurnsOver` when none will be."""
        order = self._orders.readline()
        if not order:
            raise TurnsOver
        self._left = int(order)
        self._started, self._processor = time.perf_counter(), time.process_time()
        if self._left < 1:
            raise ValueError(f"{self._left} steps were ordered")

    def ready(self) -> None:
        self._answer({"ready": True})
        self.wait()

    def step_done(self, *, loss: float, grad_norm: float, rows: float, tokens: int) -> None:
        """`rows` may be an average where a step takes more or fewer; `tokens` are real ones."""
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        now, processor = time.perf_counter(), time.process_time()
        seconds, self._started = now - self._started, now
        processor_seconds, self._processor = processor - self._processor, processor
        step: dict[str, object] = {
            "seconds": seconds, "loss": loss, "grad_norm": grad_norm, "rows": rows, "tokens": tokens,
            "processor_seconds": processor_seconds,
        }  # fmt: skip
        if torch.cuda.is_available():
            step["peak_bytes"] = torch.cuda.max_memory_reserved()
        self._answer(step)
        self._left -= 1
        if self._left == 0:
            self.wait()

    def _answer(self, answer: dict[str, object]) -> None:
        self._answers.write(json.dumps(answer) + "\n")
        self._answers.flush()
