"""`delete` and `prune`: what is no longer wanted goes; at a terminal the user is asked first."""

import argparse
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Literal

from services.cli.asking import can_ask, says_yes
from services.cli.client import Client
from services.cli.command_parser import WrongValue
from services.cli.failure import RequestRefused, UsageError
from services.cli.file_ids import find_file, is_file_id
from services.cli.job_ids import find_job
from services.cli.model_ids import find_model
from services.cli.options import Commands, add_client_command
from services.cli.server import connect
from services.cli.terminal import Terminal
from shared.messages.message import Message, say, stored
from shared.messages.render import told
from shared.model_names import is_fine_tuned
from shared.settings import Settings
from shared.units import size

SHOWN_JOBS = 30


def add_commands(commands: Commands) -> None:
    delete = add_client_command(commands, "delete", say("help-delete-row"))
    delete.add_argument("ids", nargs="+", metavar="ID", help=stored(say("help-delete-ids-row")))
    delete.set_defaults(run=delete_all)

    prune = add_client_command(commands, "prune", say("help-prune-row"))
    prune.add_argument("--dry-run", action="store_true", help=stored(say("help-dry-run-row")))
    for option, kind, meaning in (
        ("--keep-jobs", _count, say("help-keep-jobs-row")),
        ("--keep-days", _days, say("help-keep-days-row")),
        ("--keep-bytes", _count, say("help-keep-bytes-row")),
    ):
        prune.add_argument(option, type=kind, metavar="N", help=stored(meaning))
    prune.add_argument(
        "--adapters", action="store_true", default=None, help=stored(say("help-prune-adapters-row"))
    )
    prune.set_defaults(run=prune_jobs)
    for command in (delete, prune):
        command.add_argument("--yes", action="store_true", help=stored(say("help-yes-row")))


def delete_all(arguments: argparse.Namespace, settings: Settings, terminal: Terminal) -> int:
    with connect(settings) as client:
        found = list(dict.fromkeys(_meant(client, text) for text in arguments.ids))
        names = [f"  {name}" for name in found]
        question = "\n".join([told(say("delete-for-good-row")), *names])
        add_yes = "\n".join([told(say("add-yes-row")), *names])
        if not arguments.yes and not _agreed(terminal, question, add_yes):
            return 1
        deleted, refused = [], []
        for name in found:
            try:
                client.delete(_kind(name), name)
                deleted.append(name)
                terminal.say(say("is-deleted-row", name=name))
            except RequestRefused as refusal:
                refused.append({"id": name, "code": refusal.code, "message": refusal.message})
                terminal.note(say("is-not-deleted-row", name=name, reason=refusal.message))
                if refusal.status == HTTPStatus.NOT_FOUND:
                    terminal.note(say("perhaps-deleted-row", kind=_kind(name)))
                elif refusal.remedy:
                    terminal.note(refusal.remedy)
    terminal.emit({"deleted": deleted, "refused": refused})
    return 1 if refused else 0


def prune_jobs(arguments: argparse.Namespace, settings: Settings, terminal: Terminal) -> int:
    limits = {name: getattr(arguments, name) for name in ("keep_jobs", "keep_days", "keep_bytes", "adapters")}
    limits = {name: value for name, value in limits.items() if value is not None}
    with connect(settings) as client:
        with terminal.waiting(say("looking-at-ended-jobs-row")):
            planned = client.prune(dry_run=True, **limits)
        if arguments.dry_run or not planned["data"]:
            terminal.emit(planned)
            _show(planned, terminal, done=False)
            return 0
        if not arguments.yes:
            _show(planned, terminal, done=False)
            if not _agreed(terminal, told(say("delete-jobs-for-good-row")), say("add-yes-or-dry-run")):
                return 1
        with terminal.waiting(say("deleting-jobs-row", jobs=len(planned["data"]))):
            done = client.prune(dry_run=False, **limits)
    terminal.emit(done)
    _show(done, terminal, done=True)
    return 1 if done["refused"] else 0


def _show(pruning: dict[str, Any], terminal: Terminal, *, done: bool) -> None:
    jobs, refused = pruning["data"], pruning["refused"]
    if jobs:
        shown = jobs[:SHOWN_JOBS]
        rows = [(job["id"], job["status"], size(job["bytes"]), job["why"]) for job in shown]
        terminal.table(("id", "status", "on-disk", "why"), rows, keep=("id", "on-disk", "why", "status"))
        if len(jobs) > len(shown):
            terminal.say(say("more-jobs-row", jobs=len(jobs) - len(shown)))
    for job in refused:
        terminal.note(say("job-stays-row", job=job["id"], reason=job["why"]))
    if not jobs:
        terminal.say(say("no-job-has-to-go-row"))
        return
    count, freed = len(jobs), pruning["bytes"]
    terminal.say(
        say("jobs-deleted-row", jobs=count, freed_bytes=freed)
        if done
        else say("jobs-to-delete-row", jobs=count, freed_bytes=freed)
    )


def _meant(client: Client, text: str) -> str:
    """The id that the user means; what begins as ids of models or files do is one of those."""
    if is_file_id(text):
        return find_file(client, text)
    return find_model(client, text) if is_fine_tuned(text) else find_job(client, text)


def _kind(name: str) -> Literal["jobs", "models", "files"]:
    if is_fine_tuned(name):
        return "models"
    return "files" if is_file_id(name) else "jobs"


def _agreed(terminal: Terminal, question: str, otherwise: str | Message) -> bool:
    """Ask at the terminal; where there is none, `UsageError` says what to do otherwise."""
    if not can_ask(terminal):
        raise UsageError(say("no-terminal-to-ask"), otherwise)
    agreed = says_yes(terminal, question)
    if not agreed:
        terminal.note(say("nothing-deleted-row"))
    return agreed


def _number(kind: Callable[[str], Any], text: str) -> Any:
    try:
        value = kind(text)
    except ValueError:
        value = -1
    if not 0 <= value < float("inf"):
        raise WrongValue(say("from-zero-wanted", kind="whole" if kind is int else "any", seen=repr(text)))
    return value


def _count(text: str) -> int:
    return int(_number(int, text))


def _days(text: str) -> float:
    return float(_number(float, text))
