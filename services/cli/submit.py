"""`train`, `diagnose` and `prepare`: submit a job and watch it."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError

from services.cli.client import Client
from services.cli.failure import UsageError
from services.cli.options import Commands, add_client_command, pair, readable_file
from services.cli.record_text import record_text
from services.cli.server import connect
from services.cli.terminal import Terminal
from services.cli.watch import watch
from shared.errors import FieldError
from shared.schemas import KINDS_WITH_PAGE, Hyperparameters, JobRecord, JobRequest, Lora
from shared.settings import Settings

PLACEHOLDER_FILE = "file-0"  # stands for a file until it is uploaded, so that wrong options cost no upload


def add_commands(commands: Commands) -> None:
    train = add_client_command(
        commands, "train", "fine-tune a model on a file, or on a data set of the server"
    )
    train.add_argument("file", nargs="?", type=readable_file, metavar="FILE", help="rows to upload and learn")
    _add_source_options(train)
    _add_hyperparameters(train)
    _add_common(train)
    train.set_defaults(run=train_model)

    diagnose = add_client_command(commands, "diagnose", "find out why a model loads slowly or not at all")
    diagnose.add_argument("model", metavar="MODEL")
    diagnose.add_argument("--revision", metavar="NAME")
    diagnose.add_argument(
        "--cold", action="store_true", default=None, help="drop its files' cached pages first"
    )
    diagnose.add_argument(
        "--no-trial-load", dest="trial_load", action="store_false", default=None, help="look, do not load"
    )
    _add_common(diagnose)
    diagnose.set_defaults(run=diagnose_model)

    prepare = add_client_command(commands, "prepare", "keep a model as quantized, so that it loads sooner")
    prepare.add_argument("model", metavar="MODEL")
    prepare.add_argument("--revision", metavar="NAME")
    prepare.add_argument(
        "--move-cache-to", metavar="STORAGE",
        help="first move the model's cache to this storage of TUNEDOCK_STORAGES, or back to `default`",
    )  # fmt: skip
    prepare.add_argument(
        "--warm-page-cache", action="store_true", default=None, help="read it into memory's page cache too"
    )
    _add_common(prepare)
    prepare.set_defaults(run=prepare_model)


def _add_source_options(train: argparse.ArgumentParser) -> None:
    train.add_argument("--dataset", metavar="NAME", help="a data set of the server, instead of FILE")
    train.add_argument("--validation-file", type=readable_file, metavar="FILE")
    train.add_argument("--validation-dataset", metavar="NAME")
    train.add_argument("--model", metavar="MODEL", help="hub id or model folder of the server")
    train.add_argument("--revision", metavar="NAME")
    train.add_argument("--format", choices=("auto", "chat", "text", "prompt_completion", "classification"))
    train.add_argument(
        "--column", dest="columns", action="append", type=pair, default=[], metavar="FIELD=NAME",
        help="the rows call FIELD (text, label, prompt, …) NAME; repeatable",
    )  # fmt: skip
    train.add_argument("--instruction", metavar="TEXT", help="for classification: what the model is asked")
    train.add_argument(
        "--long-text", choices=("split", "cut"), help="rows of plain text longer than max_seq_length"
    )
    train.add_argument(
        "--plan", type=_plan, metavar="PLAN",
        help="auto, baseline, or tokens_per_micro_batch=N[,gradient_checkpointing=true]",
    )  # fmt: skip
    train.add_argument("--suffix", metavar="WORD", help="part of the fine-tuned model's id")


def _add_hyperparameters(train: argparse.ArgumentParser) -> None:
    group = train.add_argument_group("hyperparameters")
    for option, field, read in HYPERPARAMETER_OPTIONS:
        group.add_argument(
            option, dest=f"hyper_{field}", type=read, metavar="X", help=_default(Hyperparameters, field)
        )
    for option, field, read in LORA_OPTIONS:
        group.add_argument(option, dest=f"lora_{field}", type=read, metavar="X", help=_default(Lora, field))


def _add_common(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--metadata", action="append", type=pair, default=[], metavar="NAME=TEXT", help="repeatable"
    )
    command.add_argument("--detach", action="store_true", help="only submit, do not watch")


def train_model(arguments: argparse.Namespace, settings: Settings, terminal: Terminal) -> int:
    if (arguments.file is None) == (arguments.dataset is None):
        raise UsageError("train wants either FILE or --dataset NAME", "See: ./tunedock train --help")
    request = training_request(arguments)
    _check(request)
    with connect(settings) as client:
        for field, path in (
            ("training_file", arguments.file),
            ("validation_file", arguments.validation_file),
        ):
            if path:
                request[field] = upload(client, path, terminal)
        return _submit_and_watch(client, request, arguments.detach, terminal)


def diagnose_model(arguments: argparse.Namespace, settings: Settings, terminal: Terminal) -> int:
    request = {"kind": "load_diagnostic"} | _given(
        arguments, "model", "revision", "cold", "trial_load", "metadata"
    )
    _check(request)
    with connect(settings) as client:
        return _submit_and_watch(client, request, arguments.detach, terminal)


def prepare_model(arguments: argparse.Namespace, settings: Settings, terminal: Terminal) -> int:
    request = preparation_request(arguments)
    _check(request)
    with connect(settings) as client:
        return _submit_and_watch(client, request, arguments.detach, terminal)


def training_request(arguments: argparse.Namespace) -> dict[str, Any]:
    """The request that the options of `train` stand for; files by a placeholder."""
    fields = (
        "model",
        "revision",
        "dataset",
        "validation_dataset",
        "format",
        "columns",
        "instruction",
        "long_text",
    )
    request = {"kind": "fine_tuning"} | _given(arguments, *fields, "plan", "suffix", "metadata")
    if arguments.file:
        request["training_file"] = PLACEHOLDER_FILE
    if arguments.validation_file:
        request["validation_file"] = PLACEHOLDER_FILE
    hyperparameters = _prefixed(arguments, "hyper_")
    if lora := _prefixed(arguments, "lora_"):
        hyperparameters["lora"] = lora
    return request | ({"hyperparameters": hyperparameters} if hyperparameters else {})


def preparation_request(arguments: argparse.Namespace) -> dict[str, Any]:
    """The request that the options of `prepare` stand for."""
    fields = ("model", "revision", "move_cache_to", "warm_page_cache", "metadata")
    return {"kind": "model_preparation"} | _given(arguments, *fields)


def upload(client: Client, path: Path, terminal: Terminal) -> str:
    """Upload a file with a bar; returns its id."""
    with terminal.transfer(f"uploading {path.name}", path.stat().st_size) as transfer:
        return client.upload(path, transfer.advance)


def follow(client: Client, record: JobRecord, terminal: Terminal) -> JobRecord:
    """Watch a job; Ctrl-C leaves it running and says how to come back."""
    try:
        return watch(client, record.id, terminal)
    except KeyboardInterrupt:
        terminal.note(
            f"{record.id} goes on. Look: ./tunedock show {record.id}; stop: ./tunedock cancel {record.id}"
        )
        raise


def _submit_and_watch(client: Client, request: dict[str, Any], detach: bool, terminal: Terminal) -> int:
    with terminal.waiting("submitting"):
        record: JobRecord = (accepted := client.submit(request))
    if detach:
        for warning in accepted.warnings:  # who watches reads them among the job's events
            terminal.note(f"{warning.level}: {warning.sentence}")
        terminal.say(record.id)
    else:
        terminal.note(f"{record.id} is {record.status}")
        record = follow(client, record, terminal)
        terminal.say(record_text(record))
        if record.status == "succeeded" and record.kind in KINDS_WITH_PAGE:
            terminal.note(f"with pictures: ./tunedock report {record.id} --html report.html")
    terminal.emit(record.model_dump(mode="json"))
    return 0 if detach or record.status == "succeeded" else 1


def _check(request: dict[str, Any]) -> None:
    """Raise `UsageError` for options no server would take, before anything is sent."""
    try:
        TypeAdapter[Any](JobRequest).validate_python(request)
    except ValidationError as error:
        raise UsageError(
            "these options can't be used:",
            errors=tuple(
                FieldError(".".join(str(part) for part in item["loc"][1:]), item["msg"])
                for item in error.errors()
            ),
        ) from error


def _given(arguments: argparse.Namespace, *names: str) -> dict[str, Any]:
    """The options that were given; lists of pairs become objects."""
    values = {name: getattr(arguments, name) for name in names}
    return {
        name: dict(value) if isinstance(value, list) else value
        for name, value in values.items()
        if value is not None and value != []
    }


def _prefixed(arguments: argparse.Namespace, prefix: str) -> dict[str, Any]:
    return {
        name.removeprefix(prefix): value
        for name, value in vars(arguments).items()
        if name.startswith(prefix) and value is not None
    }


def _default(schema: type[BaseModel], field: str) -> str:
    default = schema.model_fields[field].default
    return "" if default is None else f"default {default}"


def _plan(text: str) -> str | dict[str, Any]:
    if "=" not in text:
        return text
    return dict(map(pair, text.split(",")))


def _target_modules(text: str) -> str | list[str]:
    return text if text == "all-linear" else text.split(",")


OptionOfField = tuple[str, str, Callable[[str], object]]

HYPERPARAMETER_OPTIONS: tuple[OptionOfField, ...] = (
    ("--epochs", "n_epochs", int),
    ("--max-steps", "max_steps", int),
    ("--batch-size", "global_batch_size", int),
    ("--learning-rate", "learning_rate", float),
    ("--warmup-ratio", "warmup_ratio", float),
    ("--max-seq-length", "max_seq_length", int),
    ("--loss-on", "loss_on", str),
    ("--max-grad-norm", "max_grad_norm", float),
    ("--seed", "seed", int),
)
LORA_OPTIONS: tuple[OptionOfField, ...] = (
    ("--lora-r", "r", int),
    ("--lora-alpha", "alpha", float),
    ("--lora-dropout", "dropout", float),
    ("--lora-target-modules", "target_modules", _target_modules),
)
