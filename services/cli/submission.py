"""Submits a job with what it uploads, watches it to its end, and says what it came to."""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from services.cli.adapters import named_adapter
from services.cli.client import Client
from services.cli.failure import CommandFailed, RequestRefused
from services.cli.file_ids import find_file
from services.cli.job_ids import find_job
from services.cli.model_ids import find_model
from services.cli.outcome.outcome import Place, outcome_text
from services.cli.request_options import FILE_FIELDS, PLACEHOLDER_FILE, RequestOptions
from services.cli.server import connect
from services.cli.suggestions import with_suggestion
from services.cli.terminal import Terminal
from services.cli.watch import watch
from shared.messages.message import say, stored
from shared.messages.render import shown
from shared.model_names import is_fine_tuned
from shared.schemas.records import AcceptedJob, JobRecord
from shared.settings import Settings


def add_watching(command: argparse.ArgumentParser) -> None:
    """The options of a command that submits jobs and watches them."""
    command.add_argument("--detach", action="store_true", help=stored(say("help-detach-row")))
    add_verbose(command)


def add_verbose(command: argparse.ArgumentParser) -> None:
    command.add_argument("--verbose", action="store_true", help=stored(say("help-verbose-row")))


def run_job(arguments: argparse.Namespace, settings: Settings, terminal: Terminal) -> int:
    """The whole course of a command that is one job: its exit status."""
    options: RequestOptions = arguments.options
    request = options.request(arguments)
    options.require(request)
    with connect(settings) as client:
        if named := request.get("adapter"):
            request["adapter"], _ = named_adapter(client, named)
        find_ids(client, request)
        with uploaded(client, options.files(arguments), terminal) as sent:
            record: JobRecord = (accepted := submitted(client, request | sent, options, terminal))
        if arguments.detach:
            tell_detached(accepted, options, terminal)
        else:
            place = Place.of(settings, client)
            record = follow(client, record, options, place, terminal)
            terminal.say(outcome_text(record, place, words=options.text))
    terminal.emit(record.model_dump(mode="json"))
    return 0 if arguments.detach or record.status == "succeeded" else 1


def find_ids(client: Client, request: dict[str, Any]) -> None:
    """The jobs that a request is to run after, its files and a fine-tuned `model`, by their whole ids."""
    if before := request.get("after"):
        request["after"] = [find_job(client, text) for text in before]
    for field in FILE_FIELDS & request.keys():
        if request[field] != PLACEHOLDER_FILE:
            request[field] = find_file(client, request[field])
    if is_fine_tuned(request.get("model") or ""):
        request["model"] = find_model(client, request["model"])


def submitted(
    client: Client, request: dict[str, Any], options: RequestOptions, terminal: Terminal
) -> AcceptedJob:
    """Submit; a refusal speaks of the command's options, and of a model or data set that was meant."""
    try:
        with terminal.waiting(say("submitting-row")):
            accepted = client.submit(request)
    except RequestRefused as refused:
        raise with_suggestion(options.spoken(refused), request, client) from refused
    if not request.get("model") and not request.get("adapter"):
        taken = accepted.request.get("model")
        terminal.note(say("default-model-taken", model=taken))
    if client.queue_is_paused():
        terminal.note(say("jobs-start-after-resume"))
    return accepted


def tell_detached(accepted: AcceptedJob, options: RequestOptions, terminal: Terminal) -> None:
    """The id, and what who watches reads among the events: what is odd about the rows, the jobs before it."""
    for warning in accepted.warnings:
        level = say("event-level-row", level=warning.level)
        told = say("level-and-text-row", level=level, text=options.text(shown(warning.said)))
        terminal.note(told)
    if accepted.waits_for:
        terminal.note(say("job-waits-row", job=accepted.id, jobs=accepted.waits_for))
    terminal.say(accepted.id)


@contextmanager
def uploaded(client: Client, files: dict[str, Path], terminal: Terminal) -> Iterator[dict[str, str]]:
    """The ids of uploaded files, by the field that names each; what is refused in the block takes them along.

    Nobody else knows of them, and a job that was accepted has copied their rows.
    """
    sent: dict[str, str] = {}
    try:
        for field, path in files.items():
            sent[field] = upload(client, path, terminal)
        yield sent
    except RequestRefused:
        for file_id in sent.values():
            with suppress(CommandFailed):
                client.delete("files", file_id)
        raise


def upload(client: Client, path: Path, terminal: Terminal) -> str:
    """Upload a file with a bar; returns its id."""
    try:
        with terminal.transfer(say("uploading-row", file=path.name), path.stat().st_size) as transfer:
            return client.upload(path, transfer.advance)
    except OSError as error:
        why = error.strerror or str(error)
        raise CommandFailed(say("file-not-read", file=path, error=why)) from error


def follow(
    client: Client,
    record: JobRecord,
    options: RequestOptions,
    place: Place,
    terminal: Terminal,
    told: set[str] | None = None,
) -> JobRecord:
    """Watch a job, without the warnings in `told`; Ctrl-C leaves it running and says how to come back."""
    terminal.note(say("job-is-row", job=record.id, status=say("job-status-row", status=record.status)))
    try:
        return watch(client, record.id, terminal, words=options.text, told=told)
    except KeyboardInterrupt:
        show, cancel = place.command("show", record.id), place.command("cancel", record.id)
        terminal.note(say("job-goes-on-row", job=record.id, show=show, cancel=cancel))
        raise
