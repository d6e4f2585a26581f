"""`pause` and `resume`: one job, or the whole queue with the job that runs, so that the device is free."""

import argparse
from collections.abc import Callable
from typing import Literal

from services.cli.client import Client
from services.cli.failure import UsageError
from services.cli.job_ids import add_job_argument, find_job
from services.cli.options import Commands, add_client_command
from services.cli.server import connect
from services.cli.terminal import Terminal
from shared.messages.message import say, stored
from shared.schemas.records import JobRecord
from shared.settings import Settings


def add_commands(commands: Commands) -> None:
    pause = add_client_command(commands, "pause", say("help-pause-row"))
    pause.set_defaults(run=pause_jobs)
    resume = add_client_command(commands, "resume", say("help-resume-row"))
    resume.set_defaults(run=resume_jobs)
    for command, every in (
        (pause, say("help-pause-all-row")),
        (resume, say("help-resume-all-row")),
    ):
        add_job_argument(command, is_optional=True)
        command.add_argument("--all", action="store_true", help=stored(every))


def pause_jobs(arguments: argparse.Namespace, settings: Settings, terminal: Terminal) -> int:
    with connect(settings) as client:
        if _is_for_all(arguments):
            _order_queue("pause", client, terminal)
        else:
            _order(arguments, client, terminal, client.pause)
    return 0


def resume_jobs(arguments: argparse.Namespace, settings: Settings, terminal: Terminal) -> int:
    with connect(settings) as client:
        if _is_for_all(arguments):
            _order_queue("resume", client, terminal)
            return 0
        _order(arguments, client, terminal, client.resume)
        if client.queue_is_paused():
            terminal.say(say("queue-is-paused-row"))
    return 0


def _order_queue(order: Literal["pause", "resume"], client: Client, terminal: Terminal) -> None:
    was_paused = client.queue_is_paused()
    jobs = client.order_queue(order)
    terminal.emit({"paused": order == "pause", "jobs": jobs})
    if order == "pause":
        terminal.say(say("queue-paused-row", jobs=len(jobs)))
    elif not was_paused:
        terminal.say(say("queue-was-not-paused"))
    else:
        terminal.say(say("queue-resumed-row", jobs=len(jobs)))


def _order(
    arguments: argparse.Namespace, client: Client, terminal: Terminal, give: Callable[[str], JobRecord]
) -> None:
    before = client.job(find_job(client, arguments.job_id))
    record = give(before.id)
    terminal.emit(record.model_dump(mode="json"))
    status = say("job-status-row", status=record.status)
    if record.status == before.status:
        terminal.say(say("job-is-already", job=record.id, status=status))
    else:
        terminal.say(say("job-is-row", job=record.id, status=status))


def _is_for_all(arguments: argparse.Namespace) -> bool:
    """Raises `UsageError` unless exactly one of a job and --all is named."""
    if arguments.all == (arguments.job_id is not None):
        raise UsageError(say("name-job-or-all"))
    return bool(arguments.all)
