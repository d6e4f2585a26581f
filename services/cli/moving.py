"""`move`: which queued job starts before which."""

import argparse
from typing import Any

from services.cli.client import Client
from services.cli.failure import UsageError
from services.cli.job_ids import add_job_argument, find_job
from services.cli.options import Commands, add_client_command, positive, whole_number
from services.cli.server import connect
from services.cli.terminal import Terminal
from services.cli.watch import stage_text
from shared.messages.message import say, stored
from shared.settings import Settings

ENDS = {"first": "front", "last": "back"}
OTHERS = ("before", "behind")
NUMBERS = ("up", "down", "priority")


def add_commands(commands: Commands) -> None:
    move = add_client_command(commands, "move", say("help-move-row"))
    add_job_argument(move)
    place = move.add_mutually_exclusive_group()
    place.add_argument("--first", action="store_true", help=stored(say("help-move-first-row")))
    place.add_argument("--last", action="store_true", help=stored(say("help-move-last-row")))
    place.add_argument("--before", metavar="ID", help=stored(say("help-move-before-row")))
    place.add_argument("--behind", metavar="ID", help=stored(say("help-move-behind-row")))
    place.add_argument("--up", metavar="N", type=positive, help=stored(say("help-move-up-row")))
    place.add_argument("--down", metavar="N", type=positive, help=stored(say("help-move-down-row")))
    place.add_argument(
        "--priority", metavar="N", type=whole_number, help=stored(say("help-move-priority-row"))
    )
    move.set_defaults(run=move_job)


def move_job(arguments: argparse.Namespace, settings: Settings, terminal: Terminal) -> int:
    """Says where the job stands then."""
    with connect(settings) as client:
        place = _place(arguments, client)
        record = client.move(find_job(client, arguments.job_id), place)
    terminal.emit(record.model_dump(mode="json"))
    terminal.say(say("job-is-row", job=record.id, status=stage_text(record)))
    return 0


def _place(arguments: argparse.Namespace, client: Client) -> dict[str, Any]:
    """The request's field. Raises `UsageError` where no option says it."""
    for end, to in ENDS.items():
        if getattr(arguments, end):
            return {"to": to}
    for option in (*OTHERS, *NUMBERS):
        if (given := getattr(arguments, option)) is not None:
            return {option: find_job(client, given) if option in OTHERS else given}
    raise UsageError(say("move-where"))
