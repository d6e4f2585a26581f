"""Explains how one model trains on one data set with a user's settings: tries, counts, and reports."""

import time
from collections.abc import Mapping, Sequence
from functools import partial

import torch
from torch import nn

from services.worker.adapters.lora import attached, lora_config, trained_parameters
from services.worker.computing.batching import Schedule
from services.worker.computing.plan.plan import choose_plan
from services.worker.computing.plan.utilization import (
    ModelArithmetic,
    best_flops_per_second,
    flops_per_second_in,
    memory_bytes_per_second,
)
from services.worker.computing.plan.workload import workload_of
from services.worker.computing.predicting.counted_layers import with_counted
from services.worker.explaining.arm import ArmSteps
from services.worker.explaining.between_steps import between_steps, forward_seconds, time_saving
from services.worker.explaining.dequantizing import watch_dequantizing
from services.worker.explaining.factors import Measured, factor_costs, path
from services.worker.explaining.fitting import too_large_arms, with_peaks
from services.worker.explaining.memory import counted_parts
from services.worker.explaining.packing import packs, rows_of_a_step
from services.worker.explaining.rounds import measure_rounds
from services.worker.explaining.row_lengths import token_counts
from services.worker.explaining.settings_arm import AS_CONFIGURED
from services.worker.explaining.split import split_of, with_dequantizing
from services.worker.explaining.trial_arms import AUTO, trial_arms
from services.worker.machine.device import device_name
from services.worker.machine.machine_watch import MachineWatch
from services.worker.models.load import LoadedModel
from services.worker.phase_clock import PhaseClock
from services.worker.report import Report
from services.worker.text.marked_text import TokenRow
from services.worker.text.rows import TokenRows
from services.worker.training.update_time import update_seconds
from shared.reports.training_facts import DeviceFacts, TrainingFacts
from shared.training_settings.differences import optimizer_name
from shared.training_settings.settings import TrainingSettings

UNITS = 64  # steps whose rows are tried, from all over the run


def explain(
    base: LoadedModel,
    rows: TokenRows,
    settings: TrainingSettings,
    *,
    stages: Mapping[str, float],
    minutes: float,
    report: Report,
    watch: MachineWatch | None = None,
) -> TrainingFacts:
    """What a step takes as configured and with each setting changed, on `rows`, within about `minutes`.

    `stages` are those before it. `watch` sees what the machine does meanwhile; default: this machine. The
    model is afterwards what it was. Raises `JobFailed` (target_modules_unknown, out_of_memory) and what
    `report` raises.
    """
    until = time.monotonic() + 60 * minutes
    watch = watch or MachineWatch(base.device)
    processor, started = time.process_time(), time.perf_counter()
    lengths = [len(row) for row in rows.rows]
    step_rows = rows_of_a_step(lengths, settings)
    clock = PhaseClock(first="lora")
    with attached(base, lora_config(settings.lora, base), seed=settings.seed, stages=clock) as adapted:
        clock.turn("set_up")
        parameters = trained_parameters(adapted)
        workload = workload_of(base.model, rows.rows, dropout=settings.lora.dropout, rows_per_step=step_rows)
        workload = with_counted(workload, base.model, parameters, base.device)
        auto = choose_plan(
            "auto",
            config=base.model.config.get_text_config(),
            max_seq_length=settings.max_seq_length,
            device=base.device,
            workload=workload,
        )
        trials = trial_arms(settings, auto=auto, lengths=lengths)
        count = partial(
            counted_parts,
            base,
            parameters=parameters,
            rows=rows,
            rows_per_step=step_rows,
            seed=settings.seed,
        )
        memory = count(trials.arms[0])
        others = [arm for arm in trials.arms[1:] if arm.name in trials.settings]
        too_large = too_large_arms(others, base.model.config.get_text_config(), base.device, count)
        report.progress("trying", rounds=0)
        clock.turn("training")

        def told(count: int) -> None:
            watch.look()
            report.progress("trying", rounds=count)

        def tick() -> None:
            report.progress("trying")

        arms = [ArmSteps(base, arm, parameters) for arm in trials.arms if arm.name not in too_large]
        units = _units(rows, settings, step_rows)
        dequantizing = None  # first: rounds may take all the time there is
        if time.monotonic() < until:
            dequantizing = watch_dequantizing(base, arms[0], units[0], tick)
        rounds = measure_rounds(arms, units, until=until, tick=tick, told=told)
        rounds.too_large = with_peaks({**rounds.too_large, **too_large}, trials.arms, count)
        seen = watch.read()
        measured = Measured(
            settings=settings,
            trials=trials,
            rounds=rounds,
            lengths=lengths,
            optimizer_seconds=update_seconds(parameters, base.device, optimizer_name(settings)),
            total_steps=settings.total_steps(packs(lengths, settings)),
            rows_per_step=step_rows,
            layers=base.model.get_decoder().config.num_hidden_layers,
        )
        split = split_of(measured, AS_CONFIGURED)
        between = between_steps(
            settings,
            rows=len(measured.lengths),
            total_steps=measured.total_steps,
            row_seconds=forward_seconds(split, settings) / step_rows,
            saving_seconds=time_saving(parameters, settings),
        )
    wall = time.perf_counter() - started
    counts, took = rows.counts, {**stages, **clock.take()}
    return TrainingFacts(
        model=base.files.name,
        settings=settings.model_dump(mode="json"),
        plan=auto.as_dict(),
        total_steps=measured.total_steps,
        rows_per_step=step_rows,
        stages={**took, "collating": rounds.data_seconds},
        wall_seconds=sum(took.values()),
        step=with_dequantizing(split, dequantizing),
        auto_step=split_of(measured, AUTO) if rounds.timed.get(AUTO) else None,
        between_seconds={**between.seconds},
        between_counts={**between.counts},
        validation_rows=between.validation_rows,
        tokens=token_counts(
            rows.rows, settings,
            truncated=counts.truncated, lost=counts.lost_tokens, lost_answers=counts.lost_answers,
            cut_answers=counts.cut_answers, answers=counts.answers,
        ),
        factors=factor_costs(measured),
        path=path(measured),
        memory=memory.model_copy(update={"peak": rounds.peak_bytes(AS_CONFIGURED)}),
        device=_device(base, measured, parameters).model_copy(update=seen.card),
        machine_memory=seen.machine_memory,
        pressure=seen.pressure,
        processor=seen.processor,
        processor_ratio=(time.process_time() - processor) / wall / torch.get_num_threads(),
        compute_dtype="float32" if trials.arms[0].fp32 else "bfloat16",
        recomputed_ratio=1.0 if settings.gradient_checkpointing else 0.0,
    )  # fmt: skip


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


def _device(base: LoadedModel, measured: Measured, parameters: Mapping[str, nn.Parameter]) -> DeviceFacts:
    peak = best_flops_per_second(base.device)
    achieved = None
    try:
        arithmetic = ModelArithmetic.of(
            base.model.config, adapter_parameters=sum(part.numel() for part in parameters.values())
        )
    except (AttributeError, TypeError):
        pass
    else:
        rows = measured.rows_per_step
        tokens = rows * measured.tokens_of_a_row(measured.settings)
        achieved = arithmetic.flops(tokens=tokens, targets=tokens, rows=rows) / measured.seconds(
            AS_CONFIGURED
        )
    return DeviceFacts(
        name=device_name(base.device),
        kind="cuda" if base.device.type == "cuda" else "cpu",
        matrix_flops_per_second=peak,
        fp32_flops_per_second=flops_per_second_in(torch.float32, base.device),
        memory_bytes_per_second=memory_bytes_per_second(base.device),
        achieved_flops_per_second=achieved,
    )
