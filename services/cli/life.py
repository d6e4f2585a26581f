"""`show`, `report`, `events`, `cancel`, `download`: the life of a job, seen and ended."""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from services.cli.adapter_archive import FolderNotWritable, download_adapter
from services.cli.failure import CommandFailed, RequestRefused, UsageError
from services.cli.follow import followed
from services.cli.job_ids import LAST, add_job_argument, find_job
from services.cli.options import Commands, add_client_command, positive
from services.cli.outcome.outcome import Place, Words, outcome_text
from services.cli.record_text import record_text
from services.cli.request_options import options_of, words_of
from services.cli.server import connect
from services.cli.submission import add_verbose
from services.cli.terminal import Terminal
from services.cli.watch import event_text
from shared.messages.message import say, stored
from shared.messages.render import shown
from shared.model_names import FineTunedModel, fine_tuned_model
from shared.schemas.records import JobRecord
from shared.settings import Settings

STDOUT = "-"
NAMES = ("original", "llama")


def add_commands(commands: Commands) -> None:
    show = add_client_command(commands, "show", say("help-show-row"))
    show.set_defaults(run=show_job)

    report = add_client_command(commands, "report", say("help-report-row"))
    report.add_argument("--html", metavar="FILE", help=stored(say("help-report-html-row")))
    report.set_defaults(run=report_job)

    events = add_client_command(commands, "events", say("help-events-row"))
    events.add_argument("-f", "--follow", action="store_true", help=stored(say("help-events-follow-row")))
    add_verbose(events)
    events.set_defaults(run=print_events)

    cancel = add_client_command(commands, "cancel", say("help-cancel-row"))
    cancel.set_defaults(run=cancel_job)

    download = add_client_command(commands, "download", say("help-download-row"))
    download.set_defaults(run=download_job)

    for command in (show, report, events, cancel):
        add_job_argument(command)
    add_job_argument(download, kind="fine_tuning")
    download.add_argument("folder", metavar="DIR", type=Path, help=stored(say("help-download-folder-row")))
    download.add_argument("--step", type=positive, metavar="N", help=stored(say("help-download-step-row")))
    download.add_argument("--names", choices=NAMES, help=stored(say("help-download-names-row")))


def show_job(arguments: argparse.Namespace, settings: Settings, terminal: Terminal) -> int:
    with connect(settings) as client:
        record = client.job(find_job(client, arguments.job_id))
        place = Place.of(settings, client)
    terminal.emit(record.model_dump(mode="json"))
    terminal.say(record_text(record, place, words=words_of(arguments, record.kind)))
    return 0


def report_job(arguments: argparse.Namespace, settings: Settings, terminal: Terminal) -> int:
    if arguments.html == STDOUT and terminal.as_json:
        raise UsageError(say("two-writers-to-stdout"), say("name-file-for-page"))
    with connect(settings) as client:
        job_id, place = find_job(client, arguments.job_id), Place.of(settings, client)
        if arguments.html is None:
            record = client.job(job_id)
            options = options_of(arguments.parser.commands.values(), record.kind)
            try:
                report = client.report(job_id)
            except RequestRefused as refused:
                raise (options.spoken(refused) if options else refused) from None
            terminal.emit(report)
            words = options.text if options else str
            for part in _report_parts(record, report, place, words):
                terminal.say(part)
            return 0
        page = client.report_page(job_id)
    if arguments.html == STDOUT:
        sys.stdout.buffer.write(page)
        sys.stdout.buffer.flush()
        return 0
    try:
        Path(arguments.html).write_bytes(page)
    except OSError as error:
        failed = say("page-not-written", file=str(arguments.html), error=error.strerror)
        here = say("to-have-it-here-row", command=place.page_command(job_id))
        raise CommandFailed(failed, here if place.is_compose else say("name-another-file")) from error
    terminal.emit({"file": str(arguments.html), "bytes": len(page)})
    terminal.say(say("page-written-row", file=str(arguments.html)))
    return 0


def _report_parts(record: JobRecord, report: dict[str, Any], place: Place, words: Words) -> Iterator[str]:
    """What the job came to, and the report's own lines, apart; why it failed is said once."""
    text = report.get("text")
    if not isinstance(text, str):
        yield outcome_text(record, place, words=words)
        return
    says_why = bool(report.get("ended"))
    if (record.kind == "fine_tuning" or record.error) and not says_why:
        yield from (outcome_text(record, place, words=words), "")
    yield words(text)
    if record.error and says_why:
        yield from ("", shown(say("its-events", command=place.command("events", record.id))))


def print_events(arguments: argparse.Namespace, settings: Settings, terminal: Terminal) -> int:
    with connect(settings) as client:
        job_id = find_job(client, arguments.job_id)
        words = words_of(arguments, client.job(job_id).kind)
        for event in followed(client, job_id) if arguments.follow else client.events_since(job_id, None):
            terminal.emit(event.model_dump(mode="json"))
            terminal.say(words(event_text(event, verbose=terminal.verbose)))
    return 0


def cancel_job(arguments: argparse.Namespace, settings: Settings, terminal: Terminal) -> int:
    with connect(settings) as client:
        record = client.cancel(find_job(client, arguments.job_id))
    terminal.emit(record.model_dump(mode="json"))
    terminal.say(say("job-is-row", job=record.id, status=say("job-status-row", status=record.status)))
    return 0


def download_job(arguments: argparse.Namespace, settings: Settings, terminal: Terminal) -> int:
    with connect(settings) as client:
        model = fine_tuned_model(arguments.job_id)
        step = _step(model, arguments.step)
        status = "succeeded" if arguments.job_id == LAST else None  # what has an adapter for sure
        job_id = find_job(client, arguments.job_id, kind="fine_tuning", status=status)
        place = Place.of(settings, client)
        try:
            files = download_adapter(
                client, job_id, arguments.folder, terminal, step=step, names=arguments.names
            )
        except FolderNotWritable as failure:
            if place.is_compose and step is None and arguments.names is None:
                command = place.download_command(job_id, arguments.folder.name)
                failure.advice = say("to-have-it-here-row", command=command)
            raise
    terminal.emit({"folder": str(arguments.folder), "files": files})
    terminal.say(say("files-downloaded-row", files=len(files), folder=arguments.folder))
    return 0


def _step(model: FineTunedModel | None, given: int | None) -> int | None:
    """The checkpoint whose adapter is wanted; None for the one at the end. Raises `UsageError` for two."""
    named = model.step if model else None
    if named is not None and given not in (None, named):
        raise UsageError(say("two-steps-named", named=str(named), given=str(given)))
    return named if given is None else given
