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
    add_order,
    add_schema,
    add_webhook,
    plan,
)
from services.cli.submission import add_watching, run_job
from services.cli.terminal import Terminal
from shared.messages.message import say, stored
from shared.schemas.hyperparameters import Hyperparameters
from shared.schemas.requests import FineTuningRequest, ModelPreparationRequest
from shared.settings import Settings


def add_commands(commands: Commands) -> None:
    _add_train(commands)
    prepare = add_client_command(commands, "prepare", say("help-prepare-row"))
    options = RequestOptions(prepare, "model_preparation")
    options.add(prepare, "MODEL", "model", help=stored(say("help-loaded-model-row")))
    options.add(
        prepare, "--move-cache-to", "move_cache_to", metavar="STORAGE",
        help=stored(say("help-move-cache-row")),
    )  # fmt: skip
    options.add(
        prepare, "--warm-page-cache", "warm_page_cache", action=argparse.BooleanOptionalAction,
        help=stored(say("help-warm-page-cache-row")),
    )  # fmt: skip
    add_metadata(options, prepare)
    add_order(options, prepare)
    add_webhook(options, prepare)
    add_schema(options, prepare, ModelPreparationRequest)
    add_watching(prepare)
    prepare.set_defaults(run=run_job)


def _add_train(commands: Commands) -> None:
    train = add_client_command(commands, "train", say("help-train-row"))
    options = RequestOptions(train, "fine_tuning")
    add_file(options, train, "FILE", "training_file", say("help-training-file-row"))
    options.add(train, "--dataset", "dataset", metavar="NAME", help=stored(say("help-dataset-row")))
    add_file(options, train, "--validation-file", "validation_file", say("help-validation-file-row"))
    options.add(
        train, "--validation-dataset", "validation_dataset", metavar="NAME",
        help=stored(say("help-validation-dataset-row")),
    )  # fmt: skip
    add_model(options, train)
    options.add(
        train, "--adapter", "adapter", metavar="ID",
        help=stored(say("help-start-adapter-row")),
    )  # fmt: skip
    add_columns(options, train)
    options.add(
        train, "--plan", "plan", type=plan, metavar="PLAN",
        help=stored(say("help-plan-row")),
    )  # fmt: skip
    options.add(train, "--suffix", "suffix", metavar="WORD", help=stored(say("help-suffix-row")))
    add_metadata(options, train)
    add_order(options, train)
    add_webhook(options, train)
    group = train.add_argument_group(stored(say("hyperparameters-label")))
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
