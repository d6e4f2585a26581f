"""`models` and `files`: lists of what a job may name, and of what `delete` takes besides jobs."""

import argparse
from typing import Any

from services.cli.dates import clock
from services.cli.options import Commands, add_client_command
from services.cli.server import connect
from services.cli.terminal import Terminal
from shared.messages.message import say
from shared.messages.render import told
from shared.model_names import is_fine_tuned
from shared.settings import DEMO_MODEL, Settings
from shared.units import size

MODEL_COLUMNS = ("id", "from", "created")
FILE_COLUMNS = ("id", "size", "uploaded", "name")


def add_commands(commands: Commands) -> None:
    models = add_client_command(commands, "models", say("help-models-row"))
    models.set_defaults(run=list_models)
    files = add_client_command(commands, "files", say("help-files-row"))
    files.set_defaults(run=list_files)


def list_models(arguments: argparse.Namespace, settings: Settings, terminal: Terminal) -> int:
    """Base models are those of the models folder, the demo's and the default; the hub has others."""
    with connect(settings) as client:
        models = client.listed("models")
    terminal.emit(models)
    rows = [(model["id"], _origin(model), clock(model["created"])) for model in models]
    terminal.table(MODEL_COLUMNS, rows, keep=MODEL_COLUMNS)
    return 0


def list_files(arguments: argparse.Namespace, settings: Settings, terminal: Terminal) -> int:
    with connect(settings) as client:
        files = client.listed("files")
    terminal.emit(files)
    rows = [(file["id"], size(file["bytes"]), clock(file["created_at"]), file["filename"]) for file in files]
    if rows:
        terminal.table(FILE_COLUMNS, rows, keep=FILE_COLUMNS)
    else:
        terminal.say(say("no-files-uploaded"))
    return 0


def _origin(model: dict[str, Any]) -> str:
    """Where a model comes from. Of base models the API tells the age of those in the models folder alone."""
    if is_fine_tuned(model["id"]):
        origin = "training"
    elif model["created"]:
        origin = "folder"
    else:
        origin = "demo" if model["id"] == DEMO_MODEL else "hub"
    return told(say("model-origin-row", origin=origin))
