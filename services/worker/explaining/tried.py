"""What a diagnosis of a training tries on the model, and what that came to."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import nn

from services.worker.adapters.lora import attached, lora_config, trained_parameters
from services.worker.computing.batching import Schedule
from services.worker.computing.plan.plan import Plan, choose_plan
from services.worker.computing.plan.workload import workload_of
from services.worker.computing.predicting.counted_layers import with_counted
from services.worker.explaining.arm import ArmSteps
from services.worker.explaining.between_steps import time_saving
from services.worker.explaining.dequantizing import Dequantizing, watch_dequantizing
from services.worker.explaining.fitting import MemoryForecasts
from services.worker.explaining.measured import Measured
from services.worker.explaining.packing import packs, rows_of_a_step
from services.worker.explaining.rounds import Rounds, measure_rounds
from services.worker.explaining.trial_arms import trial_arms
from services.worker.machine.machine_watch import MachineSeen, MachineWatch
from services.worker.models.load import LoadedModel
from services.worker.phase_clock import PhaseClock
from services.worker.running_job import RunningJob
from services.worker.text.marked_text import TokenRow
from services.worker.text.rows import TokenRows
from services.worker.training.update_time import update_seconds
from shared.reports.training_facts import MemoryParts
from shared.training_settings.differences import optimizer_name
from shared.training_settings.settings import TrainingSettings

UNITS = 64  # steps whose rows are tried, from all over the run


@dataclass(frozen=True)
class Tried:
    """`auto` is the plan that a fine-tuning would choose here. `memory` was counted over a few layers, and
    `seen` is what the machine did during the rounds. `saving_seconds` are one checkpoint's; `stage_seconds`,
    by `Stage` of shared.reports.training_facts, are all that the trials took. `processor_ratio` is the share
    of its threads' time in which this process computed.
    """

    measured: Measured
    auto: Plan
    memory: MemoryParts
    dequantizing: Dequantizing | None
    seen: MachineSeen
    adapter_parameters: int
    saving_seconds: float
    stage_seconds: Mapping[str, float]
    processor_ratio: float


def try_settings(
    base: LoadedModel,
    rows: TokenRows,
    settings: TrainingSettings,
    *,
    minutes: float,
    job: RunningJob,
    watch: MachineWatch | None = None,
) -> Tried:
    """As `explain`, which makes a report's facts of it."""
    until = time.monotonic() + 60 * minutes
    watch = watch or MachineWatch(base.device)
    processor, started = time.process_time(), time.perf_counter()
    lengths = [len(row) for row in rows.rows]
    step_rows = rows_of_a_step(lengths, settings)
    clock = PhaseClock(first="lora")
    with attached(base, lora_config(settings.lora, base), seed=settings.seed, stages=clock) as adapted:
        clock.turn("set_up")
        parameters = trained_parameters(adapted)
        auto = _auto_plan(base, rows, settings, parameters, step_rows)
        trials = trial_arms(settings, auto=auto, lengths=lengths)
        forecasts = MemoryForecasts(base, parameters, rows, step_rows, settings.seed)
        memory = forecasts.parts(trials.arms[0])
        too_large = forecasts.too_large(trials)
        job.progress("trying", rounds=0)
        clock.turn("training")
        arms = [ArmSteps(base, arm, parameters) for arm in trials.arms if arm.name not in too_large]
        units = _units(rows, settings, step_rows)
        dequantizing, rounds = _rounds(base, arms, units, until=until, job=job, watch=watch)
        rounds.too_large = forecasts.with_peaks({**rounds.too_large, **too_large}, trials)
        seen = watch.read()
        optimizer_seconds = update_seconds(parameters, base.device, optimizer_name(settings))
        saving_seconds = time_saving(parameters, settings)
    wall, processor = time.perf_counter() - started, time.process_time() - processor
    measured = Measured(
        settings=settings,
        trials=trials,
        rounds=rounds,
        lengths=lengths,
        optimizer_seconds=optimizer_seconds,
        total_steps=settings.total_steps(packs(lengths, settings)),
        rows_per_step=step_rows,
        layers=base.model.get_decoder().config.num_hidden_layers,
    )
    return Tried(
        measured=measured,
        auto=auto,
        memory=memory,
        dequantizing=dequantizing,
        seen=seen,
        adapter_parameters=sum(part.numel() for part in parameters.values()),
        saving_seconds=saving_seconds,
        stage_seconds=clock.take(),
        processor_ratio=processor / wall / torch.get_num_threads(),
    )


def _auto_plan(
    base: LoadedModel,
    rows: TokenRows,
    settings: TrainingSettings,
    parameters: Mapping[str, nn.Parameter],
    step_rows: int,
) -> Plan:
    workload = workload_of(base.model, rows.rows, dropout=settings.lora.dropout, rows_per_step=step_rows)
    return choose_plan(
        "auto",
        config=base.model.config.get_text_config(),
        max_seq_length=settings.max_seq_length,
        device=base.device,
        workload=with_counted(workload, base.model, parameters, base.device),
    )


def _rounds(
    base: LoadedModel,
    arms: Sequence[ArmSteps],
    units: Sequence[Sequence[TokenRow]],
    *,
    until: float,
    job: RunningJob,
    watch: MachineWatch,
) -> tuple[Dequantizing | None, Rounds]:
    """Dequantizing is seen first: rounds may take all the time there is, `until` by `time.monotonic`."""

    def tick() -> None:
        job.progress("trying")

    def told(count: int) -> None:
        watch.look()
        job.progress("trying", rounds=count)

    dequantizing = None
    if time.monotonic() < until:
        dequantizing = watch_dequantizing(base, arms[0], units[0], tick)
    return dequantizing, measure_rounds(arms, units, until=until, tick=tick, told=told)


def _units(rows: TokenRows, settings: TrainingSettings, step_rows: int) -> list[Sequence[TokenRow]]:
    """The rows of steps from all over the run, each a whole step's."""
    schedule = Schedule.of(
        len(rows.rows),
        rows_per_step=min(step_rows, len(rows.rows)),
        seed=settings.seed,
        n_epochs=1,
        max_steps=UNITS,
    )
    return [[rows.rows[index] for index in schedule.rows_of(step)] for step in range(UNITS)]
