"""What a run chooses for some rows, and the sweep that says how near to the best it is."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from torch import nn

from bench.document import say
from bench.plan_sweep import Swept, plan_name, plans_to_sweep, sweep
from bench.train_arms.ours import NeverDue
from bench.train_inputs import CAP, LORA_OF_A_JOB
from services.worker.adapters.lora import attached, lora_config, trained_parameters
from services.worker.computing.batching import Schedule
from services.worker.computing.plan.memory_budget import MemoryBudget
from services.worker.computing.plan.plan import Plan
from services.worker.explaining.arm import Arm, ArmSteps
from services.worker.models.load import LoadedModel
from services.worker.running_job import NoJob
from services.worker.text.marked_text import TokenRow
from services.worker.text.row_counts import RowCounts
from services.worker.text.row_rules import RowRules
from services.worker.text.rows import TokenRows
from services.worker.training.checkpoints import CheckpointFolder
from services.worker.training.job_rows import JobRows
from services.worker.training.loop import train
from services.worker.training.plan_trials import STEPS_AT_MOST
from services.worker.training.run_plan import plan_for, plan_trials
from shared.job_folder import JobFolder
from shared.schemas.hyperparameters import Hyperparameters
from shared.schemas.requests import FineTuningRequest

RUN_STEPS = 400  # of the run whose first steps try the plans
SEED = 0


@dataclass(frozen=True)
class CaseResult:
    """`estimated` is the plan before the trial, `chosen` the one after it."""

    case: str
    estimated: str
    chosen: str
    swept: Swept

    @property
    def distance(self) -> float:
        return self.swept.distance(self.chosen)


class KeepsNothing(NeverDue):
    """No checkpoint at the end of the trial either."""

    def save(self, step: int, optimizer: object, state: object) -> None:
        return


def measure_case(
    case: str, base: LoadedModel, rows: Sequence[TokenRow], per_step: int, repeats: int
) -> CaseResult:
    """A run's choice, then the sweep over rows that none of its steps had."""
    request = FineTuningRequest(
        dataset="messages",
        hyperparameters=Hyperparameters(
            max_steps=RUN_STEPS, global_batch_size=per_step, max_seq_length=CAP, seed=SEED, lora=LORA_OF_A_JOB
        ),
    )
    schedule = Schedule(len(rows), per_step, SEED, RUN_STEPS)
    with carrying_adapter(base) as (keeper, parameters):
        job_rows = JobRows(RowRules("classification", "all", CAP), TokenRows(list(rows), RowCounts()), None)
        plan, budget = plan_for(base, request, job_rows, None, NoJob())
        say(f"{case}: the estimate's best is {plan_name(plan)}; its run begins")
        chosen = first_steps(base, request, plan, budget, job_rows, keeper, parameters)
        say(f"{case}: chosen is {plan_name(chosen)}")
        plans = plans_to_sweep(plan, budget)
        arms = {name: ArmSteps(base, Arm(name, one), parameters) for name, one in plans.items()}
        units = [
            [rows[index] for index in schedule.rows_of(STEPS_AT_MOST + number)]
            for number in range(1 + repeats)
        ]
        swept = sweep(arms, units, chosen=plan_name(chosen), told=lambda text: say(f"{case}: {text}"))
    return CaseResult(case, plan_name(plan), plan_name(chosen), swept)


def first_steps(
    base: LoadedModel,
    request: FineTuningRequest,
    plan: Plan,
    budget: MemoryBudget,
    rows: JobRows,
    keeper: KeepsNothing,
    parameters: Mapping[str, nn.Parameter],
) -> Plan:
    """The plan that a run of `RUN_STEPS` steps goes on with after its trial; only that is run."""
    hyperparameters = request.hyperparameters
    whole = Schedule(len(rows.training.rows), hyperparameters.global_batch_size, SEED, RUN_STEPS)
    _, chosen = train(
        base.model,
        parameters,
        rows.training.rows,
        [],
        Schedule(whole.rows, whole.rows_per_step, SEED, STEPS_AT_MOST),
        hyperparameters,
        plan,
        device=base.device,
        keeper=keeper,
        job=NoJob(),
        budget=budget,
        trials=plan_trials(plan, budget, whole, None, NoJob()),
    )
    return chosen


@contextmanager
def carrying_adapter(base: LoadedModel) -> Iterator[tuple[KeepsNothing, Mapping[str, nn.Parameter]]]:
    with (
        attached(base, lora_config(LORA_OF_A_JOB, base), seed=SEED) as adapted,
        TemporaryDirectory(prefix="bench-plans-") as folder,
    ):
        keeper = KeepsNothing(
            CheckpointFolder(JobFolder(Path(folder)), 1, {}),
            adapted,
            resumed=None,
            facts={},
            adapter_config={},
            checkpoint_seconds=float("inf"),
            job=NoJob(),
        )
        yield keeper, trained_parameters(adapted)
