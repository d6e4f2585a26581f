"""`demo`: the main job on real input: diagnose a model's load, fine-tune it, measure before and after."""

import argparse
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from services.cli import demo_text
from services.cli.background import start_stack, stop_stack
from services.cli.client import Client
from services.cli.demo_reports import Page, write_pages
from services.cli.failure import CommandFailed
from services.cli.options import Commands, add_bare_command
from services.cli.ports import free_port
from services.cli.server import key_path, read_key
from services.cli.stack_state import running_stack
from services.cli.submission import upload
from services.cli.terminal import Terminal
from services.cli.watch import watch
from shared.job_folder import JobFolder
from shared.messages.message import Message, say, stored
from shared.schemas.records import JobRecord
from shared.settings import DEMO_MODEL, PROJECT_ROOT, Settings

STACK_AWAY_SECONDS = 60.0  # a restarted API is back sooner; a stack that someone stopped is not
SAMPLE = PROJECT_ROOT / "datasets" / "sample_spam"
HYPERPARAMETERS = {
    # Each row once, some twice. Chosen by cross-validation on the training rows, not on the rows held out.
    "max_steps": 200,
    "global_batch_size": 8,
    "learning_rate": 1e-3,
    "warmup_ratio": 0.1,
    "max_seq_length": 256,
    "lora": {"r": 16, "alpha": 32},
}


class JobEndedBadly(Exception):
    """A job of the demo did not succeed; the rest can't be run."""


@dataclass
class DemoRun:
    """What the demo did so far; `seconds` has each stage's wall time."""

    jobs: list[JobRecord] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    adapter: Path | None = None
    pages: list[Page] = field(default_factory=list)
    ok: bool = False

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        started = time.monotonic()
        try:
            yield
        finally:
            self.seconds[name] = round(time.monotonic() - started, 2)

    def as_json(self) -> dict[str, Any]:
        """The document of ``--json``."""
        evaluations = [_result(job) for job in self.jobs if job.kind == "evaluation"]
        diagnosis = next((_result(job) for job in self.jobs if job.kind == "load_diagnostic"), {})
        prepared = next((_result(job) for job in self.jobs if job.kind == "model_preparation"), {})
        return {
            "ok": self.ok,
            "jobs": [job.model_dump(mode="json") for job in self.jobs],
            "seconds": self.seconds,
            "adapter": str(self.adapter) if self.adapter else None,
            "evaluation": {
                "before": evaluations[0] if evaluations else None,
                "after": evaluations[1] if len(evaluations) > 1 else None,
            },
            "load": {
                "before": diagnosis.get("load_seconds"),
                "after": prepared.get("load", {}).get("after_seconds"),
                "limit": diagnosis.get("limit_seconds"),
            },
            "reports": {page.name: str(page.path) if page.path else None for page in self.pages},
        }


def add_commands(commands: Commands) -> None:
    demo = add_bare_command(commands, "demo", say("help-demo-row"))
    demo.add_argument("--json", dest="json_file", metavar="FILE", help=stored(say("help-demo-json-row")))
    demo.add_argument("--keep", action="store_true", help=stored(say("help-demo-keep-row")))
    demo.set_defaults(run=run_demo, as_json=False)


def run_demo(arguments: argparse.Namespace, settings: Settings, terminal: Terminal) -> int:
    terminal.as_json = arguments.json_file == "-"
    run = DemoRun()
    try:
        with run.stage("total"), _stack(settings, terminal, run, keep=arguments.keep) as client:
            _jobs(client, settings, terminal, run)
        run.ok = True
    except JobEndedBadly:
        run.ok = False
    finally:
        _write_json(arguments.json_file, run, terminal)
    terminal.say(demo_text.summary(run.as_json(), settings.data_dir, run.pages, keep=arguments.keep))
    return 0 if run.ok else 1


def _jobs(client: Client, settings: Settings, terminal: Terminal, run: DemoRun) -> None:
    """The demo itself: five jobs, one after the other."""

    def job(stage: str, title: Message, request: Mapping[str, Any]) -> JobRecord:
        return _job(client, terminal, run, stage, title, {"model": DEMO_MODEL, **request})

    with run.stage("upload"):
        training, held_out = (upload(client, _sample(name), terminal) for name in ("train", "held_out"))
    rows = {"format": "classification"}
    evaluation = {"kind": "evaluation", "file": held_out, "max_seq_length": 256, **rows}

    diagnosis = job("diagnose", say("demo-diagnose-title"), {"kind": "load_diagnostic", "cold": True})
    terminal.say(demo_text.findings(_result(diagnosis)))
    prepared = job("prepare", say("demo-prepare-title"), {"kind": "model_preparation"})
    terminal.say(demo_text.prepared(_result(diagnosis), _result(prepared)))
    before = job("evaluate_before", say("demo-before-title"), evaluation)
    terminal.say(demo_text.scores(_result(before)))
    tuning = {"kind": "fine_tuning", "training_file": training, "suffix": "demo", **rows}
    tuned = job("train", say("demo-train-title"), {**tuning, "hyperparameters": HYPERPARAMETERS})
    run.adapter = JobFolder.of(settings.data_dir, tuned.id).adapter
    adapter = _result(tuned)["fine_tuned_model"]
    after = job("evaluate_after", say("demo-after-title"), {**evaluation, "adapter": adapter})
    terminal.say(demo_text.scores(_result(after)))
    with run.stage("reports"):
        run.pages = write_pages(client, run.jobs, settings.data_dir)


def _job(
    client: Client, terminal: Terminal, run: DemoRun, stage: str, title: Message, request: Mapping[str, Any]
) -> JobRecord:
    """Submit one job and watch it to its end; raises `JobEndedBadly` unless it succeeds."""
    terminal.say()
    terminal.say(title)
    with run.stage(stage):
        record = _watch_or_cancel(client, client.submit(dict(request)), terminal)
    run.jobs.append(record)
    if record.status != "succeeded":
        terminal.say(demo_text.failure(record))
        raise JobEndedBadly
    return record


def _watch_or_cancel(client: Client, record: JobRecord, terminal: Terminal) -> JobRecord:
    """Watch a job; Ctrl-C cancels it, for the demo's job is of no use without the demo."""
    try:
        return watch(client, record.id, terminal, patience_seconds=STACK_AWAY_SECONDS)
    except KeyboardInterrupt:
        terminal.note(say("demo-cancelling-row"))
        with suppress(CommandFailed):
            client.cancel(record.id)
        raise


@contextmanager
def _stack(settings: Settings, terminal: Terminal, run: DemoRun, *, keep: bool) -> Iterator[Client]:
    """The stack of this data folder if one runs, else one of our own on free ports, stopped at the end."""
    if running := running_stack(settings.data_dir):
        terminal.note(say("demo-uses-stack-row", url=running.url))
        with Client(running.url, read_key(key_path(settings))) as client:
            yield client
        return
    ports = {
        f"TUNEDOCK_{name}": str(free_port())
        for name in ("API_PORT", "API_METRICS_PORT", "WORKER_METRICS_PORT")
    }
    with run.stage("start"):
        stack = start_stack(settings.data_dir, ports, terminal, leash=not keep)
    try:
        with Client(stack.state.url, read_key(key_path(settings))) as client:
            yield client
    finally:
        if not keep:
            with run.stage("stop"):
                stop_stack(settings.data_dir, stack.state, terminal)
                stack.process.wait()


def _write_json(file: str | None, run: DemoRun, terminal: Terminal) -> None:
    if file == "-":
        terminal.emit(run.as_json())
    elif file:
        Path(file).write_text(
            json.dumps(run.as_json(), ensure_ascii=False, indent=2) + "\n", encoding="utf-8"
        )


def _sample(name: str) -> Path:
    path = SAMPLE / f"{name}.jsonl"
    if not path.is_file():
        raise CommandFailed(say("demo-data-missing", file=path), say("demo-data-restore"))
    return path


def _result(record: JobRecord) -> dict[str, Any]:
    return record.result or {}
