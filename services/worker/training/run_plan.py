"""Which plan a run follows, and which others its first steps try."""

from services.worker.computing.batching import Schedule
from services.worker.computing.plan.memory_budget import MemoryBudget, find_memory_budget
from services.worker.computing.plan.plan import Plan, choose_plan
from services.worker.computing.plan.resumed_plan import resumed_plan
from services.worker.computing.plan.workload import workload_of
from services.worker.computing.predicting.counted_layers import with_counted
from services.worker.models.load import LoadedModel
from services.worker.running_job import RunningJob
from services.worker.training.checkpoints import Snapshot
from services.worker.training.job_rows import JobRows
from services.worker.training.plan_trials import PlanTrials
from shared.messages.message import say
from shared.schemas.requests import FineTuningRequest


def plan_for(
    base: LoadedModel, request: FineTuningRequest, rows: JobRows, resumed: Snapshot | None, job: RunningJob
) -> tuple[Plan, MemoryBudget]:
    """A resumed run keeps its plan where it can: another split of a step would round otherwise. The model
    carries its adapter.
    """
    hyperparameters = request.hyperparameters
    workload = workload_of(
        base.model,
        rows.training.rows,
        dropout=hyperparameters.lora.dropout,
        rows_per_step=hyperparameters.global_batch_size,
        validation_rows=rows.validation.rows if rows.validation else (),
    )
    trained = {name: part for name, part in base.model.named_parameters() if part.requires_grad}
    workload = with_counted(workload, base.model, trained, base.device)
    config, longest = base.model.config.get_text_config(), hyperparameters.max_seq_length
    budget = find_memory_budget(config, max_seq_length=longest, device=base.device, workload=workload)
    fresh = choose_plan(
        request.plan, config=config, max_seq_length=longest, device=base.device, workload=workload
    )
    if resumed is None:
        return fresh, budget
    plan, reason = resumed_plan(resumed.state.get("plan"), fresh, budget)
    if reason:
        job.event(
            say("plan-changed", reason=reason),
            level="warn",
            data={"code": "plan_changed", "reason": reason.model_dump(mode="json")},
        )
    return plan, budget


def plan_trials(
    plan: Plan, budget: MemoryBudget, schedule: Schedule, resumed: Snapshot | None, job: RunningJob
) -> PlanTrials:
    """Of what was chosen by an estimate; a run that goes on has a plan already."""
    if plan.name != "auto" or resumed is not None:
        return PlanTrials([], steps=0, job=job)
    plans = [plan.with_micro_batches(*choice) for choice in budget.close_choices()]
    return PlanTrials.of(plans, schedule.total_steps, job)
