"""`diagnose`: why a model loads slowly, or with --training why its training steps take long."""

import argparse
import json
from pathlib import Path
from typing import Any

from services.cli.command_parser import WrongValue
from services.cli.failure import UsageError
from services.cli.options import Commands, add_client_command, pair
from services.cli.request_options import (
    OF_TRAINING,
    RequestOptions,
    add_columns,
    add_file,
    add_metadata,
    add_order,
    add_schema,
    add_webhook,
)
from services.cli.submission import add_watching, run_job
from services.cli.terminal import Terminal
from shared.messages.message import say, stored
from shared.schemas.requests import LoadDiagnosticRequest, TrainingDiagnosticRequest
from shared.settings import Settings

OF_LOADING = ("cold", "trial_load")
OF_BOTH = ("model", "revision", "metadata", "priority", "after", "webhook")


def add_commands(commands: Commands) -> None:
    diagnose = add_client_command(commands, "diagnose", say("help-diagnose-row"))
    loading = RequestOptions(diagnose, "load_diagnostic")
    diagnose.add_argument("model", metavar="MODEL", nargs="?", help=stored(say("help-loaded-model-row")))
    diagnose.add_argument(
        "--model", dest="model_too", metavar="MODEL", help=stored(say("help-same-as-model-row"))
    )
    loading.option_of["model"] = "MODEL"
    loading.add(
        diagnose, "--cold", "cold", action=argparse.BooleanOptionalAction,
        help=stored(say("help-cold-row")),
    )  # fmt: skip
    loading.add(
        diagnose, "--trial-load", "trial_load", action=argparse.BooleanOptionalAction,
        help=stored(say("help-trial-load-row")),
    )  # fmt: skip
    add_metadata(loading, diagnose)
    add_order(loading, diagnose)
    add_webhook(loading, diagnose)
    add_schema(loading, diagnose, LoadDiagnosticRequest)

    group = diagnose.add_argument_group(
        stored(say("training-group-label")), stored(say("training-group-row"))
    )
    training = RequestOptions(diagnose, "training_diagnostic")
    training.option_of |= {name: loading.option_of[name] for name in OF_BOTH}
    training.add(
        group, "--training", "dataset", metavar="NAME", help=stored(say("help-training-dataset-row"))
    )
    add_file(training, group, "--training-file", "training_file", say("help-file-row"))
    training.add(
        group, "--settings", "settings_file", type=_text_of, metavar="FILE",
        help=stored(say("help-settings-file-row")),
    )  # fmt: skip
    training.add(
        group, "--set", "settings", action="append", type=_setting, metavar="NAME=VALUE",
        help=stored(say("help-setting-row")),
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
            raise UsageError(say("option-of-training", option=given[0]))
        if arguments.model is None:
            raise UsageError(say("diagnose-wants-model"), say("see-help-row", command="diagnose"))
        return run_job(arguments, settings, terminal)
    if wrong := [name for name in OF_LOADING if getattr(arguments, name) is not None]:
        raise UsageError(say("option-of-load", option=arguments.options.option_of[wrong[0]]))
    arguments.options = training
    return run_job(arguments, settings, terminal)


def _text_of(name: str) -> str:
    try:
        return Path(name).read_text(encoding="utf-8")
    except OSError as error:
        why = error.strerror or str(error)
        raise WrongValue(say("text-file-not-read", file=name, error=why)) from None
    except UnicodeDecodeError:
        raise WrongValue(say("text-file-not-utf8", file=name)) from None


def _setting(text: str) -> tuple[str, Any]:
    """``name=value``, the value as JSON where it is some: 4, true, null, ["q_proj"], else a word. JSON has no
    NaN and no infinity, however Python spells them.
    """
    name, value = pair(text)
    try:
        read = json.loads(value)
        json.dumps(read, allow_nan=False)
    except ValueError:
        return name, value
    return name, read
