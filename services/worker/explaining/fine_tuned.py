"""The report of a fine-tuning that ended well: what its steps took, and what lay before and between them."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from services.worker.computing.plan.plan import Plan
from services.worker.explaining.device_facts import StepWork, device_facts
from services.worker.explaining.report import make_report
from services.worker.explaining.run_steps import RunSteps, drawn, run_steps
from services.worker.machine.machine_watch import MachineSeen
from services.worker.models.load import LoadedModel
from services.worker.text.token_counts import token_counts
from services.worker.training.account import RunAccount
from services.worker.training.run_state import RunState
from shared.reports.training import TrainingReport
from shared.reports.training_facts import MemoryParts, StepSplit, TokenCounts, TrainingFacts

UNSEEN = "unseen"


def fine_tuning_report(
    base: LoadedModel,
    account: RunAccount,
    *,
    stage_seconds: Mapping[str, float],
    journals: Sequence[Path],
    peak_bytes: int | None,
    seen: MachineSeen,
) -> TrainingReport:
    """`stage_seconds`, by `Stage` and `UNSEEN`, are of the last attempt; `journals` those of attempts 1, 2, …
    `peak_bytes` of the device's memory, and what was `seen` of the machine, are of the last attempt's steps.

    Raises StatisticsError where no journal has a step.
    """
    steps = run_steps(journals)
    steps.add_between(account.after_seconds)
    facts = run_facts(base, account, steps, stage_seconds=stage_seconds, peak_bytes=peak_bytes, seen=seen)
    return make_report(facts, kind="fine_tuning")


def run_facts(
    base: LoadedModel,
    account: RunAccount,
    steps: RunSteps,
    *,
    stage_seconds: Mapping[str, float],
    peak_bytes: int | None,
    seen: MachineSeen,
) -> TrainingFacts:
    """Of `steps`, at least one, which need not be all."""
    outline = account.outline
    weights = MemoryParts(weights=base.model.get_memory_footprint())
    trained = outline.adapter_parameters
    device = device_facts(base, _work(steps, account), adapter_parameters=trained)
    return TrainingFacts(
        model=base.files.name,
        plan=account.plan.as_dict(),
        total_steps=outline.total_steps,
        made_steps=account.state.step if account.state.step < outline.total_steps else None,
        rows_per_step=outline.rows_per_step,
        stages={**stages_of(stage_seconds), "collating": steps.collating_seconds},
        wall_seconds=sum(stage_seconds.values()),
        steps_seconds=steps.seconds,
        step=_split(steps, account.state),
        between_seconds=steps.between_seconds,
        between_counts=steps.between_counts,
        validation_rows=outline.validation_rows,
        tokens=_tokens(account),
        memory=(outline.memory or weights).model_copy(update={"peak": peak_bytes}),  # its parts are foretold
        device=device.model_copy(update=seen.card),
        machine_memory=seen.machine_memory,
        pressure=seen.pressure,
        processor=seen.processor,
        processor_ratio=(seen.processor.own_processors or 0.0) / seen.processor.threads or None,
        compute_dtype=str(base.model.dtype).removeprefix("torch."),
        recomputed_ratio=recomputed_ratio(account.plan),
        predictions=account.predictions,
        points=drawn(steps.points),
        validation=tuple(sorted(steps.validation.items())),
    )


def stages_of(stage_seconds: Mapping[str, float]) -> dict[str, float]:
    """Without what no stage has."""
    return {name: seconds for name, seconds in stage_seconds.items() if name != UNSEEN}


def recomputed_ratio(plan: Plan) -> float:
    """Layers computed twice ÷ layers."""
    return 1 / plan.recompute_every if plan.gradient_checkpointing else 0.0


def _split(steps: RunSteps, state: RunState) -> StepSplit:
    return StepSplit(
        step_seconds=steps.step_seconds,
        phase_seconds=steps.split(),
        steps=len(steps.steady),
        how="timers",
        computed_tokens=state.computed_tokens / state.step,
        real_tokens=state.real_tokens / state.step,
    )


def _tokens(account: RunAccount) -> TokenCounts:
    """Of the data set; what is computed for it as it was on average over the run, epochs and all."""
    rows, state = account.outline.rows, account.state
    computed_tokens = round(rows.tokens * state.computed_tokens / state.real_tokens)
    return token_counts(rows, computed_tokens=computed_tokens)


def _work(steps: RunSteps, account: RunAccount) -> StepWork:
    """Of a step on average."""
    state, count = account.state, account.state.step
    return StepWork(
        tokens=state.computed_tokens / count,
        targets=state.target_tokens / count,
        rows=account.outline.rows_per_step,
        seconds=steps.seconds / count,
    )
