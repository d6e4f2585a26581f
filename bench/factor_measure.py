"""One case of `bench factors`: diagnosed as a job is, then trained by HF Trainer's arms in turns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import torch

from bench.document import Samples, say
from bench.factor_costs import ARM_OF, Compared, compare, turns_of
from bench.factor_inputs import CaseRows, case_rows, turns_order
from bench.sms import Message
from bench.train_arms.hf_factors import COMMON
from bench.train_inputs import LORA_OF_A_JOB, make_start
from bench.train_measure import SEED, Inputs, Measuring, Results, Steps, measure
from services.worker.explaining.diagnosis import explain_training
from services.worker.models.hub.model_places import ModelFiles
from services.worker.models.residency import Residency
from services.worker.phase_clock import PhaseClock
from services.worker.running_job import NoJob
from shared.reports.training import TrainingReport
from shared.schemas.requests import TrainingDiagnosticRequest
from shared.training_settings.read import given_settings

OPTIM = "paged_adamw_8bit"
ROWS_OF_A_STEP = 4  # of HF Trainer's: two micro-batches of the recipe
COLD_STEPS = 1  # of a turn: 25.1 s for 16 padded rows where 22.4 s were taken by an arm that ran alone
ONE_WARM_STEP = Steps(1, COLD_STEPS + 1)


@dataclass(frozen=True)
class Wanted:
    """Of each case so many rows of at most `length` tokens, diagnosed within `minutes` (by case) and trained
    for so many turns; `scratch` lasts, `folder` doesn't. `reports`: where the diagnoses are kept.
    """

    model: Path
    rows: int
    length: int
    minutes: Mapping[str, float]
    turns: int
    scratch: Path
    folder: Path
    reports: Path | None = None

    @property
    def device(self) -> str:
        return "cuda" if torch.cuda.is_available() else "cpu"


@dataclass(frozen=True)
class CaseFound:
    """`first_cause` is the check that the diagnosis puts first; `notes` say which arms failed."""

    factors: list[Compared]
    first_cause: str | None
    notes: list[str]


def measure_case(case: str, messages: Sequence[Message], wanted: Wanted, samples: Samples) -> CaseFound:
    here = wanted.folder / case
    here.mkdir()
    rows, report = diagnose(case, messages, wanted, here)
    measuring = _measuring(case, wanted)
    results = train(case, rows, wanted.model, here, measuring, samples)
    turns = {
        arm: turns_of(results.steps.get(arm, []), measuring.steps_of(arm), cold=_cold(measuring, arm))
        for arm in (COMMON, *ARM_OF.values())
    }
    return CaseFound(
        compare(case, report.facts.factors, turns),
        report.findings[0].id if report.findings else None,
        [f"{case}, {arm}: {why}" for arm, why in results.failures.items()],
    )


def diagnose(
    case: str, messages: Sequence[Message], wanted: Wanted, here: Path
) -> tuple[CaseRows, TrainingReport]:
    """As the worker does for a job of the kind training_diagnostic. The model is let go afterwards: HF
    Trainer's arms have memory and caches for themselves.
    """
    minutes = wanted.minutes[case]
    now, stages = datetime.now(UTC), PhaseClock(first="model_load")
    residency = Residency(torch.device(wanted.device), wanted.scratch / "models")
    base, _ = residency.base(ModelFiles(wanted.model.name, None, wanted.model, "folder"), NoJob())
    stages.turn("data_load")
    rows = case_rows(
        case, messages, base.tokenizer, rows=wanted.rows, longest=wanted.length, folder=here, now=now
    )
    say(f"{case}: diagnosing {len(rows.ids)} rows of {rows.mean_tokens:.0f} tokens, {minutes:g} min")
    report = explain_training(
        base,
        TrainingDiagnosticRequest(dataset="messages", minutes=minutes),
        rows.data,
        told=given_settings({"lora": LORA_OF_A_JOB, "optim": OPTIM, "max_seq_length": wanted.length}),
        stages=stages,
        now=now,
        job=NoJob(),
    )
    if wanted.reports is not None:
        wanted.reports.mkdir(parents=True, exist_ok=True)
        (wanted.reports / f"{case}.json").write_text(report.model_dump_json(indent=1) + "\n")
    del base
    residency.evict()
    return rows, report


def train(
    case: str, rows: CaseRows, model: Path, here: Path, measuring: Measuring, samples: Samples
) -> Results:
    """HF Trainer's arms in turns."""
    longest = measuring.steps_of("hf-longest")
    order = turns_order(
        len(rows.ids),
        warm_up=longest.warm_up * ROWS_OF_A_STEP,
        turns=measuring.repeats,
        of_turn=longest.turn * ROWS_OF_A_STEP,
        seed=SEED,
    )
    inputs = Inputs(
        model,
        rows.in_order(order).write(here / "rows.safetensors"),
        make_start(model, here / "start", seed=SEED),
        len(rows.ids),
        rows.mean_tokens,
    )
    return measure(case, inputs, [COMMON, *ARM_OF.values()], measuring, samples)


def _measuring(case: str, wanted: Wanted) -> Measuring:
    """Short rows differ in length, and padding to the longest with them: there each turn has all of them."""
    longest = Steps(1, wanted.rows // ROWS_OF_A_STEP) if case == "sms" else ONE_WARM_STEP
    return Measuring(
        repeats=wanted.turns,
        scratch=wanted.scratch,
        folder=wanted.folder,
        device=wanted.device,
        steps={"*": ONE_WARM_STEP, "hf-longest": longest},
        rows_per_step=ROWS_OF_A_STEP,
        max_seq_length=wanted.length,
        optim=OPTIM,
    )


def _cold(measuring: Measuring, arm: str) -> int:
    """None of a turn that must have all rows."""
    return COLD_STEPS if measuring.steps_of(arm) == ONE_WARM_STEP else 0
