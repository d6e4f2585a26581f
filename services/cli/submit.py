"""`train` and `prepare`: each submits one job and watches it."""

import argparse

from services.cli.failure import UsageError
from services.cli.options import Commands, add_client_command
from services.cli.request_options import (
    RequestOptions,
    add_columns,
    add_file,
    add_metadata,
    add_model,
    add_schema,
    plan,
)
from services.cli.submission import add_watching, run_job
from services.cli.terminal import Terminal
from shared.messages.message import say
from shared.schemas import FineTuningRequest, Hyperparameters, ModelPreparationRequest
from shared.settings import Settings


def add_commands(commands: Commands) -> None:
    _add_train(commands)
    prepare = add_client_command(commands, "prepare", "keep a 4-bit copy of a model, so that it loads sooner")
    options = RequestOptions(prepare, "model_preparation")
    options.add(prepare, "MODEL", "model", help="hub id or model folder of the server")
    options.add(
        prepare, "--move-cache-to", "move_cache_to", metavar="STORAGE",
        help="first move the model's cache to this storage of TUNEDOCK_STORAGES, or back to `default`",
    )  # fmt: skip
    options.add(
        prepare, "--warm-page-cache", "warm_page_cache", action=argparse.BooleanOptionalAction,
        help="read it into memory's page cache too",
    )  # fmt: skip
    add_metadata(options, prepare)
    add_schema(options, prepare, ModelPreparationRequest)
    add_watching(prepare)
    prepare.set_defaults(run=run_job)


def _add_train(commands: Commands) -> None:
    train = add_client_command(
        commands, "train", "fine-tune a model on a file, or on a data set of the server"
    )
    options = RequestOptions(train, "fine_tuning")
    add_file(options, train, "FILE", "training_file", "rows to upload and learn, or the id of an upload")
    options.add(
        train, "--dataset", "dataset", metavar="NAME", help="a data set of the server, instead of FILE"
    )
    measured = "rows that the loss is measured on, but not learned"
    add_file(options, train, "--validation-file", "validation_file", measured)
    options.add(
        train, "--validation-dataset", "validation_dataset", metavar="NAME", help="the same, on the server"
    )
    add_model(options, train)
    options.add(
        train, "--adapter", "adapter", metavar="ID",
        help="begin with this fine-tuned model or checkpoint: its id, or its job's first characters, or last",
    )  # fmt: skip
    add_columns(options, train)
    options.add(
        train, "--plan", "plan", type=plan, metavar="PLAN",
        help="auto, baseline, or tokens_per_micro_batch=N[,gradient_checkpointing=true]",
    )  # fmt: skip
    options.add(train, "--suffix", "suffix", metavar="WORD", help="part of the fine-tuned model's id")
    add_metadata(options, train)
    group = train.add_argument_group("hyperparameters")
    add_schema(options, group, Hyperparameters, "hyperparameters.")
    add_schema(options, train, FineTuningRequest)
    add_watching(train)
    train.set_defaults(run=train_model)


def train_model(arguments: argparse.Namespace, settings: Settings, terminal: Terminal) -> int:
    one_source(arguments, "training_file", "FILE")
    if arguments.validation_file is not None and arguments.validation_dataset is not None:
        raise UsageError(say("one-validation-source"))
    return run_job(arguments, settings, terminal)


def one_source(arguments: argparse.Namespace, field: str, name: str) -> None:
    """Raise `UsageError` unless the rows are named once."""
    given = [getattr(arguments, field) is not None, arguments.dataset is not None]
    if sum(given) != 1:
        seen = "both" if all(given) else "neither"
        raise UsageError(
            say("wants-one-source", command=arguments.command, option=name, seen=seen),
            say("see-help-row", command=arguments.command),
        )
