"""Explains how one model trains on one data set with a user's settings: what was tried becomes facts."""

import time
from collections.abc import Mapping

from services.worker.explaining.between_steps import between_steps, forward_seconds
from services.worker.explaining.device_facts import StepWork, measured_device
from services.worker.explaining.factors import factor_costs, path
from services.worker.explaining.measured import Measured
from services.worker.explaining.row_lengths import computed
from services.worker.explaining.settings_arm import AS_CONFIGURED
from services.worker.explaining.split import split_of, with_dequantizing
from services.worker.explaining.trial_arms import AUTO
from services.worker.explaining.tried import try_settings
from services.worker.machine.machine_watch import MachineWatch
from services.worker.models.load import LoadedModel
from services.worker.running_job import RunningJob
from services.worker.text.rows import TokenRows
from services.worker.text.token_counts import token_counts
from shared.reports.training_facts import TrainingFacts
from shared.training_settings.settings import TrainingSettings


def explain(
    base: LoadedModel,
    rows: TokenRows,
    settings: TrainingSettings,
    *,
    stages: Mapping[str, float],
    minutes: float,
    job: RunningJob,
    watch: MachineWatch | None = None,
) -> TrainingFacts:
    """What a step takes as configured and with each setting changed, on `rows`, within about `minutes`.

    `stages` are those before it. `watch` sees what the machine does meanwhile; default: this machine. The
    model is afterwards what it was. Raises `JobFailed` (target_modules_unknown, out_of_memory) and what
    `job` raises.
    """
    tried = try_settings(base, rows, settings, minutes=minutes, job=job, watch=watch)
    measured, rounds = tried.measured, tried.measured.rounds
    split = split_of(measured, AS_CONFIGURED)
    between = between_steps(
        settings,
        rows=len(measured.lengths),
        total_steps=measured.total_steps,
        row_seconds=forward_seconds(split, settings) / measured.rows_per_step,
        saving_seconds=tried.saving_seconds,
    )
    started = time.perf_counter()
    device = measured_device(base, _work(measured), adapter_parameters=tried.adapter_parameters)
    took = {**stages, **tried.stage_seconds}
    took["set_up"] = took.get("set_up", 0.0) + time.perf_counter() - started
    return TrainingFacts(
        model=base.files.name,
        settings=settings.model_dump(mode="json"),
        plan=tried.auto.as_dict(),
        total_steps=measured.total_steps,
        rows_per_step=measured.rows_per_step,
        stages={**took, "collating": rounds.data_seconds},
        wall_seconds=sum(took.values()),
        step=with_dequantizing(split, tried.dequantizing),
        auto_step=split_of(measured, AUTO) if rounds.timed.get(AUTO) else None,
        between_seconds={**between.seconds},
        between_counts={**between.counts},
        validation_rows=between.validation_rows,
        tokens=token_counts(rows, computed_tokens=_computed_tokens(measured)),
        factors=factor_costs(measured),
        path=path(measured),
        memory=tried.memory.model_copy(update={"peak": rounds.peak_bytes(AS_CONFIGURED)}),
        device=device.model_copy(update=tried.seen.card),
        machine_memory=tried.seen.machine_memory,
        pressure=tried.seen.pressure,
        processor=tried.seen.processor,
        processor_ratio=tried.processor_ratio,
        compute_dtype="float32" if measured.trials.arms[0].fp32 else "bfloat16",
        recomputed_ratio=1.0 if settings.gradient_checkpointing else 0.0,
    )


def _computed_tokens(measured: Measured) -> int:
    settings = measured.settings
    return computed(sorted(measured.lengths), settings, settings.padding).tokens


def _work(measured: Measured) -> StepWork:
    """Of a step as configured."""
    rows = measured.rows_per_step
    tokens = rows * measured.tokens_of_a_row(measured.settings)
    return StepWork(tokens, targets=tokens, rows=rows, seconds=measured.seconds(AS_CONFIGURED))
