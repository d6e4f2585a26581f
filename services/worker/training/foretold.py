"""What a fine-tuning is foretold to take."""

from dataclasses import dataclass

from services.worker.computing.plan.memory_budget import free_memory_bytes
from services.worker.computing.predicting.forecast import Forecast, forecast
from services.worker.computing.predicting.trial import Trial
from services.worker.machine.peak_memory import bytes_now
from services.worker.models.memory import free_device_memory
from services.worker.running_job import JobStopped, RunningJob
from services.worker.training.memory_parts import memory_parts
from services.worker.training.run import Run
from services.worker.training.saving_time import saving_seconds
from services.worker.training.update_time import update_seconds
from shared.messages.message import say
from shared.reports.training_facts import MemoryParts, RunPart


@dataclass(frozen=True)
class Foretold:
    """`memory.peak` counts like `PeakMemory`: all that the process holds, on a card all that torch does.
    `saving_seconds` are those of all checkpoints.
    """

    forecast: Forecast
    memory: MemoryParts
    saving_seconds: float = 0.0

    @property
    def part_seconds(self) -> dict[RunPart, float]:
        """What `run_seconds` adds up from. The rest of a run, its reporting for one, takes next to nothing
        unless the machine is disturbed.
        """
        told = self.forecast
        return {
            "steps": told.rest(told.first),
            "validation": told.validations * told.validation_seconds,
            "saving": self.saving_seconds,
        }

    @property
    def run_seconds(self) -> float:
        return sum(self.part_seconds.values())

    @property
    def between_seconds(self) -> float:
        """All that is not in steps."""
        return self.run_seconds - self.part_seconds["steps"]


def foretell(run: Run, job: RunningJob, *, checkpoint_seconds: float) -> Foretold | None:
    """Of the steps that are left, by running a few layers on their rows; the model is afterwards what it was.
    None where no step is due or the model can't be tried, which is told. Checkpoints are at most
    `checkpoint_seconds` apart.
    """
    base, optimizer = run.base, run.hyperparameters.optim
    first = run.resumed.step if run.resumed else 0
    if first >= run.schedule.total_steps:
        return None
    job.progress("predicting")
    held, free = bytes_now(base.device), free_memory_bytes(base.device)
    trial = Trial(
        base.model,
        run.plan,
        run.parameters,
        run.rows.training.rows,
        run.schedule,
        base.device,
        tick=lambda: job.progress("predicting"),
    )
    try:
        told = forecast(
            trial,
            first=first,
            optimizer_seconds=update_seconds(run.parameters, base.device, optimizer),
            validation=run.validation_rows,
            before=held,
        )
        saving = saving_seconds(
            run, steps=told.total - first, step_seconds=told.mean_step_seconds, longest=checkpoint_seconds
        )
    except JobStopped:
        raise
    except Exception as error:  # whatever it is, training goes on without a prediction
        reason = f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0][:200]}"
    else:
        parts = memory_parts(base, told.micro_batch, run.parameters, optimizer, held=held, free=free)
        foretold = Foretold(told, parts, saving)
        _tell(foretold, job)
        return foretold
    free_device_memory(base.device)  # the exception is gone, and with it the tensors of its frames
    job.event(say("not-predicted", reason=reason), level="warn", data={"code": "not_predicted"})
    return None


def _tell(foretold: Foretold, job: RunningJob) -> None:
    told, memory = foretold.forecast, foretold.memory
    job.event(
        say(
            "predicted",
            step_seconds=told.mean_step_seconds,
            run_seconds=foretold.run_seconds,
            peak_bytes=memory.peak or 0,
        ),
        data={
            "code": "predicted",
            "step_seconds": told.mean_step_seconds,
            "run_seconds": foretold.run_seconds,
            "part_seconds": {str(part): seconds for part, seconds in foretold.part_seconds.items()},
            "memory": memory.model_dump(mode="json"),
            "timed_layers": told.layers,
        },
    )
    if memory.limit is not None and memory.peak is not None and memory.peak > memory.limit:
        job.event(
            say("predicted-beyond-memory", peak_bytes=memory.peak, limit_bytes=memory.limit),
            level="warn",
            data={"code": "predicted_beyond_memory"},
        )
