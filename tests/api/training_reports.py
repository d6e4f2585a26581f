"""Reports of trainings as the worker makes them: of made-up but likely numbers, made through the classes."""

import json
import random
from collections.abc import Callable
from typing import Any

from shared.messages.message import say
from shared.reports.finding import Finding, Remedy
from shared.reports.machine import Memory, Pressure
from shared.reports.stored import read_stored
from shared.reports.training import CheckOutcome, Ended, TrainingReport, TrainingSummary
from shared.reports.training_facts import (
    DeviceFacts,
    FactorCost,
    MemoryParts,
    PathStep,
    PredictedPart,
    Prediction,
    StepPoint,
    StepSplit,
    TokenCounts,
    TrainingFacts,
)
from shared.reports.training_text import training_text
from shared.training_settings.settings import TrainingSettings

HOSTILE = "<script>alert('1')</script>\"><img src=x onerror=alert(2)>&amp;\u202egnp.exe"
GB = 1_000_000_000
STEP = 19.03
STAGES = {
    "model_load": 21.4, "data_load": 0.3, "kbit_preparation": 1.9, "lora": 0.8,
    "tokenizing": 4.2, "collating": 9.1, "set_up": 2.6, "training": 23_400.0,
}  # fmt: skip
SPLIT = {
    "data": 0.21, "copy": 0.04, "forward": 4.92, "recomputation": 4.61, "backward": 6.98,
    "dequantizing": 1.12, "head_and_loss": 0.74, "optimizer": 0.16, "logging": 0.05, "rest": 0.2,
}  # fmt: skip


def cost(factor: str, as_is: str, changed: str, ratio: float | None, **more: Any) -> FactorCost:
    """One factor; with `spread` its interval's half width."""
    spread = more.pop("spread", None)
    given = {
        "basis": "measured" if spread else "counted",
        "as_is_seconds": STEP,
        "changed_seconds": STEP / ratio if ratio else None,
        "ratio_low": ratio - spread if ratio and spread else None,
        "ratio_high": ratio + spread if ratio and spread else None,
        "rounds": 9 if spread else 0,
        "same_learning": True,
        "advice": say("advice-batch-size"),
        **more,
    }
    return FactorCost(factor=factor, as_is=as_is, changed=changed, ratio=ratio, **given)


FACTORS = (
    cost(
        "padding", "max_length (512)", "longest", 3.39, spread=0.14, advice=say("advice-padding"),
        as_is_peak_bytes=int(4.21 * GB), changed_peak_bytes=int(3.02 * GB),
    ),
    cost("sequence_length", "512", "304", 1.68, spread=0.04, advice=say("advice-shorter")),
    cost(
        "gradient_checkpointing", "on", "off", 1.34, spread=0.035, advice=say("advice-checkpointing-off"),
        as_is_peak_bytes=int(4.21 * GB), changed_peak_bytes=int(4.49 * GB),
    ),
    cost(
        "model_size", "30", "15", 1.88, same_learning=False,
        advice=say("advice-model-size", layer_seconds=0.59, rest_seconds=1.3),
    ),
    cost("batch_size", "2", "4", 1.03, spread=0.05),
    cost("data_loading", "0", "2", 1.01, advice=say("advice-loading", data_seconds=0.21)),
    cost(
        "gradient_accumulation", "8", "16", 1.004, same_learning=False,
        advice=say("advice-accumulation", update_seconds=0.16),
    ),
    cost(
        "precision", "bfloat16", "float32", None, basis="does_not_fit", changed_seconds=None,
        same_learning=False, advice=say("advice-too-large"),
    ),
)  # fmt: skip
PATH = tuple(
    PathStep(change=name, step_seconds=seconds, run_seconds=1228 * seconds, same_learning=True)
    for name, seconds in (
        ("as configured", STEP), ("padding longest", 5.61),
        ("padding longest, gradient_checkpointing off", 4.18), ("plan auto", 2.01),
    )
)  # fmt: skip
PADDING = Finding(
    id="padding", severity="warning", title=say("padding-title", empty_ratio=0.87),
    evidence=(
        say("padding-evidence", computed_tokens=2_457_600, real_tokens=319_488, mean=67, longest=301),
    ),
    remedies=(Remedy(action=say("padding-remedy"), saves_seconds=STEP - 5.61),), costs_seconds=16.5,
)  # fmt: skip
RECOMPUTATION = Finding(
    id="recomputation", severity="warning", title=say("recomputation-title", ratio=1.34),
    evidence=(say("recomputation-evidence", as_is_seconds=STEP, changed_seconds=14.2, rounds=9),),
    remedies=(Remedy(
            action=say("recomputation-remedy"), command="gradient_checkpointing: false", saves_seconds=4.83
        ),),
)  # fmt: skip


def facts(**changes: Any) -> TrainingFacts:
    given: dict[str, Any] = {
        "model": "org/name-2.4B",
        "settings": TrainingSettings().model_dump(mode="json"),
        "plan": {"mode": "auto", "gradient_checkpointing": False, "tokens_per_micro_batch": 4096, "off": {
            "own_layers": {"message_id": "advice-too-large", "values": {}}
        }},
        "total_steps": 1228,
        "rows_per_step": 16,
        "stages": {"model_load": 21.4, "tokenizing": 4.2},
        "step": StepSplit(
            step_seconds=STEP, phase_seconds=SPLIT, steps=40, how="profiler", profiled_steps=2,
            computed_tokens=8192, real_tokens=1065,
        ),
        "between_seconds": {},
        "tokens": TokenCounts(
            rows=4800, real_tokens=319_488, computed_tokens=2_457_600, target_tokens=14_400,
            mean=66.6, p50=58, p95=171, longest=301,
        ),
        "factors": FACTORS,
        "path": PATH,
        "memory": MemoryParts(
            weights=int(1.52 * GB), embedding=int(0.52 * GB), adapter_and_optimizer=int(0.09 * GB),
            activations=int(0.61 * GB), logits=int(0.84 * GB), context=int(0.38 * GB),
            peak=int(4.21 * GB), limit=int(5.2 * GB),
        ),
        "device": DeviceFacts(
            name="NVIDIA GeForce RTX 3050 Laptop GPU", kind="cuda", matrix_flops_per_second=13e12,
            fp32_flops_per_second=5.4e12, memory_bytes_per_second=168e9, achieved_flops_per_second=6e12,
            power_watts=58.0, power_limit_watts=60.0, clock_hertz=1.47e9, clock_start_hertz=1.5e9,
            temperature_celsius=71.0,
        ),
        "machine_memory": Memory(total_bytes=16 * GB, available_bytes=9 * GB),
        "pressure": Pressure(seconds=300.0, swapped_in_bytes=0),
        "processor_ratio": 0.96,
        "compute_dtype": "bfloat16",
        "recomputed_ratio": 1.0,
    }  # fmt: skip
    return TrainingFacts(**given | changes)


def report_of(
    known: TrainingFacts, *findings: Finding, kind: str = "training_diagnostic", **more: Any
) -> dict[str, Any]:
    best = next((one for one in known.path if one.change == "plan auto"), None)
    between = sum(known.between_seconds.values())
    report = TrainingReport(
        kind=kind,
        model=known.model,
        measured_at=1_790_000_000.0,
        summary=TrainingSummary(
            step_seconds=known.step.step_seconds,
            total_steps=known.total_steps,
            run_seconds=known.step.step_seconds * known.total_steps + between,
            best_step_seconds=best.step_seconds if best else None,
            best_run_seconds=best.run_seconds if best else None,
            padding_ratio=known.tokens.padding_ratio,
            peak_memory_bytes=known.memory.peak,
            final_loss=known.points[-1].loss if known.points else None,
        ),
        findings=findings,
        facts=known,
        text="",
        **more,
    )
    report = report.model_copy(update={"text": training_text(report)})
    return dict(json.loads(report.model_dump_json()))


def reference() -> dict[str, Any]:
    """The common recipe on short rows: padding first, then what is computed twice."""
    checks = (
        CheckOutcome(id="fp32-compute", outcome="passed", words=say("check-looks-for", check="fp32-compute")),
        CheckOutcome(
            id="spill",
            outcome="not_checked",
            words=say(
                "check-not-asked",
                looks_for=say("check-looks-for", check="spill"),
                reason=say("not-checked-no-card"),
            ),
        ),
    )
    return report_of(
        facts(), PADDING, RECOMPUTATION, checks=checks, notes=(say("advice-loading", data_seconds=0.2),)
    )


def fine_tuning() -> dict[str, Any]:
    """A run as it went, with what was foretold: no trials, but losses, steps and stages."""
    chance = random.Random(3)
    points = []
    for step in range(1, 401):
        tokens = chance.randrange(600, 2400)
        held = "validation" if step % 100 == 0 else "throttled" if 212 <= step < 222 else None
        points.append(
            StepPoint(
                step=step,
                seconds=0.18 + tokens * 6.1e-4 * chance.uniform(0.97, 1.05) + (0.7 if held else 0.0),
                computed_tokens=tokens, real_tokens=int(tokens * 0.97),
                loss=0.31 + 2.1 / (1 + step / 30) + chance.gauss(0, 0.05), disturbed=held,
            )
        )  # fmt: skip
    split = {
        "data": 0.02, "copy": 0.01, "forward": 0.37, "backward": 0.56, "dequantizing": 0.08,
        "head_and_loss": 0.05, "optimizer": 0.02, "logging": 0.01, "rest": 0.02,
    }  # fmt: skip
    known = facts(
        settings=None, factors=(), path=(), total_steps=400, points=tuple(points),
        step=StepSplit(
            step_seconds=1.14, phase_seconds=split, steps=400, how="timers",
            computed_tokens=1500, real_tokens=1455,
        ),
        stages=STAGES | {"training": 489.0, "collating": 8.0}, wall_seconds=524.0,
        between_seconds={"validation": 18.4, "saving": 4.1, "reporting": 0.9},
        tokens=TokenCounts(
            rows=6400, real_tokens=582_000, computed_tokens=600_000, target_tokens=31_000,
            mean=90.9, p50=77, p95=201, longest=512, truncated_rows=12, lost_tokens=3100, lost_answers=2,
        ),
        validation=((0, 2.6), (100, 0.92), (200, 0.61), (300, 0.54), (400, 0.52)),
        predictions=(
            Prediction(quantity="step_seconds", predicted=1.09, measured=1.14),
            Prediction(quantity="peak_memory_bytes", predicted=4.0 * GB, measured=4.21 * GB),
            Prediction(
                quantity="run_seconds", predicted=412.0, measured=489.0,
                parts=(
                    PredictedPart(part="steps", predicted=388.0, measured=463.0),
                    PredictedPart(part="validation", predicted=20.0, measured=18.4),
                    PredictedPart(part="saving", predicted=4.0, measured=4.1),
                    PredictedPart(part="other", predicted=0.0, measured=3.5),
                ),
            ),
            Prediction(quantity="run_seconds", predicted=478.0, measured=489.0, when="5 %"),
        ),
        recomputed_ratio=0.0,
    )  # fmt: skip
    return report_of(known, kind="fine_tuning")


def bare() -> dict[str, Any]:
    """As little as a report can have: on a processor, nothing told apart, nothing tried."""
    known = facts(
        settings=None, plan=None, factors=(), path=(), memory=MemoryParts(), stages={},
        step=StepSplit(step_seconds=0.4, phase_seconds={}, steps=3, how="timers"),
        device=DeviceFacts(name="processor", kind="cpu"), machine_memory=None, pressure=None,
        processor_ratio=None, compute_dtype=None,
    )  # fmt: skip
    return report_of(known)


def broken_off() -> dict[str, Any]:
    """A run whose loss became no number after 40 of 400 steps."""
    whole = read_stored(TrainingReport, fine_tuning())
    known = whole.facts.model_copy(
        update={
            "made_steps": 40,
            "points": whole.facts.points[:40],
            "validation": (),
            "predictions": tuple(
                one.model_copy(update={"measured": None, "parts": ()})
                if one.quantity == "run_seconds" else one
                for one in whole.facts.predictions
            ),
        }
    )  # fmt: skip
    failed = Ended(
        status="failed",
        code="diverged",
        message=say("training-diverged", steps=3, step=40),
        remedy=say("lower-learning-rate", learning_rate=0.01, warmup=0.03),
    )
    return report_of(known, kind="fine_tuning", ended=failed)


def never_begun() -> dict[str, Any]:
    """A diagnosis whose model did not fit into memory."""
    none = TokenCounts(
        rows=0, real_tokens=0, computed_tokens=0, target_tokens=0, mean=0.0, p50=0, p95=0, longest=0
    )
    known = facts(
        plan=None, factors=(), path=(), total_steps=0, rows_per_step=0, made_steps=0, memory=MemoryParts(),
        stages={"model_load": 21.4}, wall_seconds=21.4, between_seconds={}, tokens=none,
        step=StepSplit(step_seconds=0.0, phase_seconds={}, steps=0, how="timers"), auto_step=None,
        device=DeviceFacts(name="processor", kind="cpu"), machine_memory=None, pressure=None,
        processor_ratio=None, compute_dtype=None, recomputed_ratio=None,
    )  # fmt: skip
    failed = Ended(
        status="failed",
        code="out_of_memory",
        message=say("device-memory-too-small"),
        remedy=say("use-less-memory"),
    )
    return report_of(known, ended=failed)


def undivided() -> dict[str, Any]:
    """Forward and backward in one; an unknown cause without a saving; a slower change on the path."""
    found = Finding(
        id="rows-truncated",
        severity="info",
        title=say("advice-shorter-cuts", rows=12, length=64),
        evidence=(),
    )
    phases = {"data": 0.4, "optimizer": 0.3, "rest": 18.33}
    split = StepSplit(step_seconds=STEP, phase_seconds=phases, steps=5, how="timers")
    path = (PATH[0], PATH[1], PathStep(change="plan auto", step_seconds=6.0, run_seconds=7368.0))
    device = DeviceFacts(name="AMD EPYC", kind="cpu", matrix_flops_per_second=310e9)
    return report_of(facts(step=split, path=path, device=device), found)


def hostile_report() -> dict[str, Any]:
    """Names that are markup, never end or turn the reading around; words of a later release."""
    long = "a" * 300
    report = reference()
    report["model"] = report["facts"]["model"] = f"org/{HOSTILE}"
    known = report["facts"]
    known["device"]["name"] = f"{HOSTILE}-{long}"
    known["device"]["throttle_reasons"] = [HOSTILE]
    known["factors"][0] |= {"factor": HOSTILE, "basis": HOSTILE, "as_is": HOSTILE, "changed": long}
    known["path"][1]["change"] = f"{HOSTILE} {long}"
    known["step"]["phase_seconds"][HOSTILE] = 1.0
    known["between_seconds"] = {HOSTILE: 3.0}
    known["settings"][HOSTILE] = HOSTILE
    known["predictions"] = [{"quantity": HOSTILE, "predicted": 3.0, "measured": 2.0, "when": HOSTILE}]
    known["points"] = [
        {"step": step, "seconds": 1.0, "computed_tokens": 5, "real_tokens": 5, "disturbed": HOSTILE}
        for step in (1, 2)
    ]
    report["findings"][0] |= {"id": HOSTILE, "title": HOSTILE, "severity": HOSTILE, "evidence": [HOSTILE]}
    report["findings"][0]["remedies"][0] |= {"action": HOSTILE, "command": HOSTILE}
    report["notes"] = [HOSTILE]
    report["checks"] = [{"id": HOSTILE, "outcome": "passed", "words": HOSTILE}]
    return report


REPORTS: dict[str, Callable[[], dict[str, Any]]] = {
    "reference": reference,
    "fine_tuning": fine_tuning,
    "bare": bare,
    "broken_off": broken_off,
    "never_begun": never_begun,
    "undivided": undivided,
    "hostile": hostile_report,
}
