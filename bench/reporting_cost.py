"""`./tunedock bench reporting_cost`: do a report's stages and phases add up, and what does reporting cost?

A service of its own, store and all, fine-tunes and diagnoses on short messages. The seconds of each job are
those between its record's times, which the store sets. Stages must have 97 % of them; of the training stage
the phases of steps and what lies between steps must have 97 %, without what is called `rest` or `other`; and
reporting may take 1 % of the job.
"""

import argparse
import json
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.document import machine, say
from bench.options import add_shared, count
from bench.sms import Message, NoMessages, as_jsonl, read_messages, shuffled
from services.cli.background import start_stack, stop_stack
from services.cli.client import Client
from services.cli.failure import CommandFailed
from services.cli.ports import free_port
from services.cli.server import read_key
from services.cli.terminal import Terminal
from services.worker.failures import JobFailed
from services.worker.models.hub.demo_model import make_demo_model
from services.worker.running_job import NoJob
from shared.jobs import TERMINAL
from shared.reports.stored import read_stored
from shared.reports.training import TrainingReport
from shared.reports.training_facts import TrainingFacts
from shared.schemas.records import JobRecord

SEEN_BAR, REPORTING_BAR = 0.97, 0.01
POLL_SECONDS = 0.5
UNNAMED = ("rest", "other")


@dataclass(frozen=True)
class Line:
    """A share that was asked for, with the seconds it is of; `most`: it must not be more, else not less."""

    what: str
    seconds: float
    of_seconds: float
    bar: float
    most: bool = False

    @property
    def share(self) -> float:
        return self.seconds / self.of_seconds

    @property
    def kept(self) -> bool:
        return self.share <= self.bar if self.most else self.share >= self.bar

    def text(self) -> str:
        bar = f"{'at most' if self.most else 'at least'} {self.bar:.0%}"
        seen = f"{self.seconds:.2f} of {self.of_seconds:.2f} s, {self.share:.2%}"
        return f"{self.what}: {seen} ({bar}): {'kept' if self.kept else 'MISSED'}"


class Unfinished(Exception):
    """A job did not succeed; the text says which and why."""


def main() -> int:
    arguments = _arguments()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    scratch = Path(arguments.scratch).resolve()
    scratch.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    try:
        messages = shuffled(read_messages(arguments.sms))
        model = arguments.model or make_demo_model(scratch / "models", NoJob())
        with TemporaryDirectory(prefix="bench-reporting-", dir=scratch) as name:
            lines = measure(messages, model.resolve(), Path(name), steps=arguments.steps)
    except (NoMessages, JobFailed, CommandFailed, Unfinished) as error:
        print(f"bench reporting_cost: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    seconds = time.monotonic() - started
    print("\n".join([*(line.text() for line in lines), f"{seconds:.0f} s in all"]))
    if arguments.json:
        shares = [asdict(line) | {"share": line.share, "kept": line.kept} for line in lines]
        document = {"bench": "reporting_cost", "machine": machine(), "shares": shares, "seconds": seconds}
        Path(arguments.json).write_text(json.dumps(document, indent=1) + "\n")
    return int(not all(line.kept for line in lines))


def measure(messages: Sequence[Message], model: Path, folder: Path, *, steps: int) -> list[Line]:
    training, held_out = folder / "training.jsonl", folder / "held_out.jsonl"
    training.write_text(as_jsonl(messages[:480]), encoding="utf-8")
    held_out.write_text(as_jsonl(messages[480:512]), encoding="utf-8")
    lines = list[Line]()
    with service(folder, model) as client:
        file, validation_file = client.upload(training), client.upload(held_out)
        rows = {"training_file": file, "format": "classification", "model": model.name}
        fine_tuning = {
            **rows,
            "kind": "fine_tuning",
            "validation_file": validation_file,
            "hyperparameters": {"max_steps": steps, "global_batch_size": 16},
        }
        say(f"a fine-tuning of {steps} steps")
        lines += shares(*ended(client, fine_tuning))
        say("a training diagnosis")
        settings = {"max_seq_length": 128, "gradient_accumulation_steps": 2}
        diagnostic = {**rows, "kind": "training_diagnostic", "minutes": 0.5, "settings": settings}
        lines += shares(*ended(client, diagnostic))
    return lines


def shares(record: JobRecord, facts: TrainingFacts) -> list[Line]:
    assert record.started_at is not None
    assert record.finished_at is not None
    wall = record.finished_at - record.started_at
    stages = sum(seconds for stage, seconds in facts.stages.items() if stage != "collating")
    lines = [Line(f"{record.kind}, stages of the job", stages, wall, SEEN_BAR)]
    if facts.steps_seconds is not None:
        training = facts.stages["training"]
        lines += [
            Line(f"{record.kind}, phases of the training stage", named_seconds(facts), training, SEEN_BAR),
            Line(f"{record.kind}, reporting", reporting_seconds(facts), wall, REPORTING_BAR, most=True),
        ]
    return lines


def named_seconds(facts: TrainingFacts) -> float:
    """Of all steps and what lies between them, what has a name of its own."""
    unnamed = sum(facts.step.phase_seconds.get(phase, 0.0) for phase in UNNAMED)
    steps = (facts.steps_seconds or 0.0) * (1 - unnamed / facts.step.step_seconds)
    between = {name: seconds for name, seconds in facts.between_seconds.items() if name not in UNNAMED}
    return steps + sum(between.values())


def reporting_seconds(facts: TrainingFacts) -> float:
    """Telling of each step after it, and that the job is alive within it."""
    within = facts.step.phase_seconds.get("logging", 0.0) / facts.step.step_seconds
    return facts.between_seconds.get("reporting", 0.0) + within * (facts.steps_seconds or 0.0)


def ended(client: Client, request: dict[str, Any]) -> tuple[JobRecord, TrainingFacts]:
    """Raises `Unfinished`."""
    job_id = client.submit(request).id
    while (record := client.job(job_id)).status not in TERMINAL:
        time.sleep(POLL_SECONDS)
    if record.status != "succeeded":
        raise Unfinished(f"job {record.id} ({record.kind}) {record.status}: {record.error}")
    return record, read_stored(TrainingReport, client.report(job_id)).facts


@contextmanager
def service(folder: Path, model: Path) -> Iterator[Client]:
    """On free ports, with a data folder of its own; the model lies where it is."""
    data, terminal = folder / "data", Terminal()
    ports = ("TUNEDOCK_API_PORT", "TUNEDOCK_API_METRICS_PORT", "TUNEDOCK_WORKER_METRICS_PORT")
    variables = {"TUNEDOCK_MODELS_DIR": str(model.parent), **{port: str(free_port()) for port in ports}}
    stack = start_stack(data, variables, terminal, leash=True)
    try:
        with Client(stack.state.url, read_key(data / "api.key")) as client:
            yield client
    finally:
        stop_stack(data, stack.state, terminal)
        stack.process.wait()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./tunedock bench reporting_cost", description=__doc__)
    add = parser.add_argument
    add("--steps", type=count, metavar="N", help="of the fine-tuning; default 60, quick 10")
    add("--quick", action="store_true", help="few steps: to see whether it works")
    add_shared(parser, writes="the shares")
    arguments = parser.parse_args()
    arguments.steps = arguments.steps or (10 if arguments.quick else 60)
    return arguments


if __name__ == "__main__":
    sys.exit(main())
