"""`diagnose`: why a model loads slowly, or with --training why its training steps take long."""

import argparse
import json
from pathlib import Path
from typing import Any

from services.cli.failure import UsageError
from services.cli.options import Commands, add_client_command, pair
from services.cli.request_options import RequestOptions, add_columns, add_file, add_metadata, add_schema
from services.cli.submission import add_watching, run_job
from services.cli.terminal import Terminal
from shared.schemas import LoadDiagnosticRequest, TrainingDiagnosticRequest
from shared.settings import Settings

OF_LOADING = ("cold", "trial_load")
OF_TRAINING = "of_training"


def add_commands(commands: Commands) -> None:
    diagnose = add_client_command(
        commands, "diagnose", "find out why a model loads slowly or not at all; or why its training is slow"
    )
    loading = RequestOptions(diagnose, "load_diagnostic")
    diagnose.add_argument("model", metavar="MODEL", nargs="?", help="hub id or model folder of the server")
    diagnose.add_argument("--model", dest="model_too", metavar="MODEL", help="the same as MODEL above")
    loading.option_of["model"] = "MODEL"
    loading.add(
        diagnose, "--cold", "cold", action=argparse.BooleanOptionalAction,
        help="drop its files' cached pages first",
    )  # fmt: skip
    loading.add(
        diagnose, "--trial-load", "trial_load", action=argparse.BooleanOptionalAction,
        help="load it, too (default); without, it is only looked at",
    )  # fmt: skip
    add_metadata(loading, diagnose)
    add_schema(loading, diagnose, LoadDiagnosticRequest)

    group = diagnose.add_argument_group("training", "of a training instead of a load")
    training = RequestOptions(diagnose, "training_diagnostic")
    training.option_of |= {name: loading.option_of[name] for name in ("model", "revision", "metadata")}
    training.add(group, "--training", "dataset", metavar="NAME", help="a data set of the server to train on")
    add_file(training, group, "--training-file", "training_file", "rows to upload, or the id of an upload")
    training.add(
        group, "--settings", "settings_file", type=_text_of, metavar="FILE",
        help="your own file: a TrainingArguments JSON, or the YAML of LLaMA-Factory or Axolotl",
    )  # fmt: skip
    training.add(
        group, "--set", "settings", action="append", type=_setting, metavar="NAME=VALUE",
        help="a setting in the words of HF TrainingArguments, as in padding=longest; repeatable",
    )  # fmt: skip
    add_columns(training, group)
    add_schema(training, group, TrainingDiagnosticRequest)
    add_watching(diagnose)
    diagnose.set_defaults(run=run_diagnosis, options=loading, **{OF_TRAINING: training})


def run_diagnosis(arguments: argparse.Namespace, settings: Settings, terminal: Terminal) -> int:
    arguments.model = arguments.model or arguments.model_too
    training: RequestOptions = getattr(arguments, OF_TRAINING)
    mine = [path for path in training.option_of if path not in arguments.options.option_of]
    given = [training.option_of[path] for path in mine if getattr(arguments, path) is not None]
    if arguments.dataset is None and arguments.training_file is None:
        if given:
            raise UsageError(
                f"{given[0]} is of a training; name its rows with --training NAME or --training-file FILE"
            )
        if arguments.model is None:
            raise UsageError("diagnose wants a MODEL, or --training NAME", "See: ./tunedock diagnose --help")
        return run_job(arguments, settings, terminal)
    if wrong := [name for name in OF_LOADING if getattr(arguments, name) is not None]:
        raise UsageError(f"{arguments.options.option_of[wrong[0]]} is of a load, not of a training")
    arguments.options = training
    return run_job(arguments, settings, terminal)


def _text_of(name: str) -> str:
    try:
        return Path(name).read_text(encoding="utf-8")
    except OSError as error:
        raise argparse.ArgumentTypeError(f"can't read {name}: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise argparse.ArgumentTypeError(f"{name} is no text in UTF-8") from None


def _setting(text: str) -> tuple[str, Any]:
    """``name=value``, the value as JSON where it is some: 4, true, null, ["q_proj"], else a word."""
    name, value = pair(text)
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value
