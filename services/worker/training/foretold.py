"""What a fine-tuning is foretold to take, and what of that came true."""

import time
from dataclasses import dataclass

import torch

from services.worker.computing.plan.room import free_memory_bytes
from services.worker.computing.predicting.forecast import Forecast, forecast
from services.worker.computing.predicting.trial import Trial
from services.worker.machine.peak_memory import PeakMemory, bytes_now
from services.worker.models.memory import free_device_memory
from services.worker.report import JobStopped, Report
from services.worker.training.checkpoints import Snapshot
from services.worker.training.memory_parts import memory_parts
from services.worker.training.run import Run
from services.worker.training.run_state import RunState
from services.worker.training.update_time import update_seconds
from shared.messages.message import say
from shared.reports.training_facts import MemoryParts, Prediction


@dataclass(frozen=True)
class Foretold:
    """`memory.peak` counts like `PeakMemory`: all that the process holds, on a card all that torch does."""

    forecast: Forecast
    memory: MemoryParts


@dataclass(frozen=True)
class Happened:
    """Of one attempt: `run_seconds` from its first step to its last, validation and saving included."""

    step_seconds: float
    run_seconds: float
    peak_bytes: int | None


class RunWatch:
    """Watches one attempt's steps, from when it is made."""

    def __init__(self, device: torch.device, resumed: Snapshot | None) -> None:
        self._before = RunState.of(resumed.state["run"]) if resumed else RunState()
        self._memory = PeakMemory(device)
        self._memory.restart()
        self._started = time.perf_counter()

    def happened(self, state: RunState) -> Happened | None:
        """None where the attempt made no step."""
        seconds, steps = time.perf_counter() - self._started, state.step - self._before.step
        if not steps:
            return None
        return Happened((state.seconds - self._before.seconds) / steps, seconds, self._memory.read())


def foretell(run: Run, report: Report) -> Foretold | None:
    """Of the steps that are left, by running a few layers on their rows; the model is afterwards what it was.
    None where no step is due or the model can't be tried, which is told.
    """
    base, optimizer = run.base, run.hyperparameters.optim
    first = run.resumed.step if run.resumed else 0
    if first >= run.schedule.total_steps:
        return None
    report.progress("predicting")
    held, free = bytes_now(base.device), free_memory_bytes(base.device)
    trial = Trial(
        base.model,
        run.plan,
        run.parameters,
        run.rows.training.rows,
        run.schedule,
        base.device,
        tick=lambda: report.progress("predicting"),
    )
    try:
        told = forecast(
            trial,
            first=first,
            optimizer_seconds=update_seconds(run.parameters, base.device, optimizer),
            validation=run.validation_rows,
            before=held,
        )
    except JobStopped:
        raise
    except Exception as error:  # whatever it is, training goes on without a prediction
        reason = f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0][:200]}"
    else:
        parts = memory_parts(base, told.micro_batch, run.parameters, optimizer, held=held, free=free)
        foretold = Foretold(told, parts)
        _tell(foretold, report)
        return foretold
    free_device_memory(base.device)  # the exception is gone, and with it the tensors of its frames
    report.event(say("not-predicted", reason=reason), level="warn", data={"code": "not_predicted"})
    return None


def predictions_of(
    foretold: Foretold | None, happened: Happened | None, *, early_run_seconds: float | None = None
) -> tuple[Prediction, ...]:
    """What was told beside what was measured, for the report and the record; `happened` None: nothing yet."""
    if foretold is None:
        return ()
    told, peak = foretold.forecast, foretold.memory.peak
    run = happened.run_seconds if happened else None
    predictions = [
        Prediction(
            quantity="step_seconds",
            predicted=told.mean_step_seconds,
            measured=happened.step_seconds if happened else None,
        ),
        Prediction(quantity="run_seconds", predicted=told.run_seconds, measured=run),
    ]
    if peak is not None:
        measured = happened.peak_bytes if happened else None
        predictions.append(Prediction(quantity="peak_memory_bytes", predicted=peak, measured=measured))
    if early_run_seconds is not None:
        predictions.append(
            Prediction(quantity="run_seconds", predicted=early_run_seconds, measured=run, when="5 %")
        )
    return tuple(predictions)


def _tell(foretold: Foretold, report: Report) -> None:
    told, memory = foretold.forecast, foretold.memory
    report.event(
        say(
            "predicted",
            step_seconds=told.mean_step_seconds,
            run_seconds=told.run_seconds,
            peak_bytes=memory.peak or 0,
        ),
        data={
            "code": "predicted",
            "step_seconds": told.mean_step_seconds,
            "run_seconds": told.run_seconds,
            "memory": memory.model_dump(mode="json"),
            "timed_layers": told.layers,
        },
    )
    if memory.limit is not None and memory.peak is not None and memory.peak > memory.limit:
        report.event(
            say("predicted-beyond-memory", peak_bytes=memory.peak, limit_bytes=memory.limit),
            level="warn",
            data={"code": "predicted_beyond_memory"},
        )
