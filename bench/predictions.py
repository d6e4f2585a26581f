"""`./tunedock bench predictions`: what fine-tunings are foretold to take, beside what they then took.

Each job is done by the function that the worker's child calls, in a process of its own with that child's
variables, one after the other: about ten minutes on two cores. Nothing else should use the machine.
"""

import argparse
import json
import shutil
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

from bench.document import Samples, machine, say
from bench.load_process import ProcessFailed, run_module
from bench.options import add_shared, names
from bench.predicted_run import JOB, settings_of
from bench.prediction_jobs import JOBS, PredictedJob, make_rows
from services.worker.models.hub.demo_model import make_demo_model
from services.worker.running_job import NoJob
from shared.datasets.prepare import prepare_dataset
from shared.durable import write_json_durably
from shared.job_folder import JobFolder
from shared.reports.fine_tuning import Training
from shared.reports.stored import read_stored
from shared.reports.training_facts import Prediction
from shared.schemas.datasets import DatasetSummary
from shared.schemas.requests import FineTuningRequest
from shared.settings import DEMO_MODEL, PROJECT_ROOT

MESSAGES = PROJECT_ROOT / "datasets" / "sample_spam" / "train.jsonl"
SMALL_MODEL = "small"
SMALL_SHAPES = {"hidden_size": 256, "intermediate_size": 704, "num_hidden_layers": 6,
                "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 64}  # fmt: skip
# How far measured may lie from predicted: of "It must show" in what was asked for.
BOUNDS = {
    ("step_seconds", "start"): 0.15,
    ("peak_memory_bytes", "start"): 0.10,
    ("run_seconds", "start"): 0.15,
    ("run_seconds", "5 %"): 0.10,
}


@dataclass(frozen=True)
class Done:
    """A job's result, and the wall seconds of its process."""

    training: Training
    seconds: float


def main() -> int:
    arguments = _arguments()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    scratch = Path(arguments.scratch).resolve()
    scratch.mkdir(parents=True, exist_ok=True)
    started, done, failed = time.monotonic(), dict[str, Done](), dict[str, str]()
    try:
        demo = make_demo_model(scratch / "models", NoJob())
        with TemporaryDirectory(prefix="bench-predictions-", dir=scratch) as name:
            folder = Path(name)
            _lay_out_models(folder, demo)
            for job in arguments.jobs:
                try:
                    done[job] = _run(JOBS[job], folder)
                except ProcessFailed as error:
                    failed[job] = str(error)
                    say(f"{job} failed: {error}")
                else:
                    say(f"{job}: {done[job].seconds:.0f} s")
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    print(table({job: one.training for job, one in done.items()}))
    print(f"{time.monotonic() - started:.0f} s in all")
    if arguments.json:
        Path(arguments.json).write_text(json.dumps(_document(done, failed, started), indent=1) + "\n")
    missed = any(is_missed(one) for job in done.values() for one in job.training.predictions)
    return int(missed or bool(failed))


def is_missed(one: Prediction) -> bool:
    """Whether it lies further off than it may."""
    bound = BOUNDS.get((one.quantity, one.when))
    return bound is not None and one.error_ratio is not None and abs(one.error_ratio) > bound


def table(done: Mapping[str, Training]) -> str:
    """A line for each job and prediction; an asterisk marks those that lie further off than `BOUNDS`."""
    lines = ["", f"{'job':16} {'prediction':26} {'predicted':>11} {'measured':>11} {'error':>8}"]
    kept = dict.fromkeys(BOUNDS, 0)
    for job, training in done.items():
        for one in training.predictions:
            if one.measured is None or one.error_ratio is None:
                continue
            missed = is_missed(one)
            if (one.quantity, one.when) in kept:
                kept[one.quantity, one.when] += not missed
            name = one.quantity if one.when == "start" else f"{one.quantity} at {one.when}"
            lines.append(
                f"{job:16} {name:26} {_shown(one, one.predicted):>11} {_shown(one, one.measured):>11} "
                f"{one.error_ratio:>+7.1%}{' *' if missed else ''}"
            )
    lines += [
        f"{quantity} ({when}): {count} of {len(done)} jobs within {BOUNDS[quantity, when]:.0%}"
        for (quantity, when), count in kept.items()
    ]
    return "\n".join(lines)


def _shown(prediction: Prediction, value: float) -> str:
    if prediction.quantity == "peak_memory_bytes":
        return f"{value / 1e6:,.0f} MB"
    return f"{value:.3f} s"


def _run(job: PredictedJob, folder: Path) -> Done:
    """In a data folder that the jobs before it have left the 4-bit copies of the models in."""
    job_folder = JobFolder.of(folder, JOB)
    shutil.rmtree(job_folder.path, ignore_errors=True)
    job_folder.rows.mkdir(parents=True)
    messages = [json.loads(line) for line in MESSAGES.read_text(encoding="utf-8").splitlines()]
    sources = make_rows(job, messages, job_folder.path / "sources")
    summaries = {part: prepare_dataset(path, job_folder.rows_of(part)) for part, path in sources.items()}
    write_json_durably(job_folder.spec, _spec(job, summaries))
    started = time.monotonic()
    said = run_module(["bench.predicted_run", str(folder)])
    result = json.loads(said.splitlines()[-1])
    return Done(read_stored(Training, result), time.monotonic() - started)


def _spec(job: PredictedJob, summaries: Mapping[str, DatasetSummary]) -> dict[str, Any]:
    """As the API writes it."""
    request = FineTuningRequest(
        model=DEMO_MODEL if job.model == "demo" else SMALL_MODEL,
        dataset="made",
        validation_dataset="made/held_out" if "validation" in summaries else None,
        hyperparameters=job.hyperparameters,
        plan=job.plan,
    )
    datasets = {part: summary.model_dump(mode="json") for part, summary in summaries.items()}
    return {"request": request.model_dump(mode="json"), "datasets": datasets}


def _lay_out_models(folder: Path, demo: Path) -> None:
    """The demo model, and a small one of random weights with its tokenizer, where jobs find them."""
    models = settings_of(folder).models_dir
    models.mkdir(parents=True)
    (models / DEMO_MODEL).symlink_to(demo)
    tokenizer = AutoTokenizer.from_pretrained(demo)
    config = LlamaConfig(**SMALL_SHAPES, vocab_size=len(tokenizer), eos_token_id=tokenizer.eos_token_id)
    LlamaForCausalLM(config).save_pretrained(models / SMALL_MODEL)
    tokenizer.save_pretrained(models / SMALL_MODEL)


def _document(done: Mapping[str, Done], failed: Mapping[str, str], started: float) -> dict[str, Any]:
    samples = Samples()
    for job, one in done.items():
        for prediction in one.training.predictions:
            name = prediction.quantity if prediction.when == "start" else "early_run_seconds"
            samples.add("predicted", job, name, prediction.predicted)
            if prediction.measured is not None:
                samples.add("measured", job, name, prediction.measured)
    return {
        "bench": "predictions",
        "machine": machine(),
        "rows": samples.rows(),
        "notes": [f"{job}: {why}" for job, why in failed.items()],
        "seconds": time.monotonic() - started,
    }


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./tunedock bench predictions", description=__doc__)
    add = parser.add_argument
    add("--jobs", type=names([*JOBS]), default=[*JOBS], metavar="NAME,…", help=", ".join(JOBS))
    add_shared(parser, writes="the rows", model=False)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
