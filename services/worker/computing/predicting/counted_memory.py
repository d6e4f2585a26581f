"""The memory of a run's largest micro-batch, counted over a few layers of it."""

from dataclasses import dataclass

from services.worker.computing.predicting.small_run import Held
from services.worker.computing.predicting.step_list import Size, StepList
from services.worker.computing.predicting.trial import Trial
from services.worker.machine.heap import bytes_in_use
from services.worker.machine.peak_memory import PeakMemory

# Of the caches that the worker's child has (services/worker/process/environment.py): 256 products, each with
# 0.57 to 0.63 MB of generated code and tables where the processor has AVX-512.
COMPILED_BYTES = 256 * 600_000


@dataclass(frozen=True)
class MicroBatchBytes:
    """What a micro-batch holds at its peak, beside weights, gradients and what the optimizer keeps."""

    activations: int
    logits: int
    hidden: int
    """Not in tensors: what operators and the allocator were seen to take beside them."""

    @property
    def peak(self) -> int:
        return self.activations + self.logits + self.hidden


def count_micro_batch(trial: Trial, steps: StepList, before: int) -> MicroBatchBytes:
    """Each further layer keeps as much as the one before it, wherever the peak is: at the loss, or in the
    backward pass of the last layer, all of them are kept. `before`: what the device held before any trial.
    """
    few, more = trial.pattern, 2 * trial.pattern
    unused = bytes_in_use() or 0
    one, hidden = _held(trial, trial.layers if more >= trial.layers else few, steps.largest, before)
    compiled = 0
    if trial.device.type == "cpu":
        compiled = compiled_bytes(max(0, (bytes_in_use() or 0) - unused), steps.different_sizes)
    if more >= trial.layers:
        return _parts(one, 0, hidden + compiled)
    several, hidden_again = _held(trial, more, steps.largest, before)
    of_others = (several.kept - one.kept) * (trial.layers - more) // (more - few)
    return _parts(several, of_others, max(hidden, hidden_again) + compiled)


def compiled_bytes(of_a_size: int, sizes: int) -> int:
    """What oneDNN's products for micro-batches of so many sizes take beyond those for one, which were seen to
    take `of_a_size` bytes: each size has its own, until the caches are full.
    """
    return max(0, min(of_a_size * sizes, COMPILED_BYTES) - of_a_size)


def _held(trial: Trial, layers: int, size: Size, before: int) -> tuple[Held, int]:
    """And by how much the device's memory grew beyond that."""
    run, memory = trial.run(layers), PeakMemory(trial.device)
    with run.ready() as forward:
        batch = trial.batch(forward, size)
        memory.restart()
        held = run.held(forward, batch)
        peak = memory.read()
    trial.tick()
    gradients = 4 * sum(parameter.numel() for parameter in trial.parameters.values())
    return held, 0 if peak is None else max(0, peak - before - gradients - held.peak)


def _parts(held: Held, of_other_layers: int, hidden: int) -> MicroBatchBytes:
    return MicroBatchBytes(held.peak - held.logits + of_other_layers, held.logits, hidden)
