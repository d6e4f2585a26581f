"""`jobs`, `show`, `report`, `events`, `cancel`, `download`: the life of a job, seen and ended."""

import argparse
import math
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

from services.cli.adapter_archive import FolderNotWritable, download_adapter
from services.cli.failure import CommandFailed, RequestRefused, UsageError
from services.cli.job_ids import LAST, add_job_argument, find_job
from services.cli.options import Commands, add_client_command, positive
from services.cli.outcome.outcome import Place, Words, outcome_text
from services.cli.record_text import JOB_COLUMNS, KEPT_COLUMNS, job_row, record_text
from services.cli.request_options import options_of
from services.cli.server import connect
from services.cli.submission import add_verbose
from services.cli.terminal import Terminal
from services.cli.watch import ENDED, POLL_SECONDS, event_text
from shared.messages.message import say, stored
from shared.messages.render import shown
from shared.model_names import fine_tuned_model
from shared.schemas.fields import JobKind, JobStatus
from shared.schemas.records import JobRecord
from shared.settings import Settings

STDOUT = "-"


def add_commands(commands: Commands) -> None:
    jobs = add_client_command(commands, "jobs", say("help-jobs-row"))
    jobs.add_argument("--kind", choices=get_args(JobKind), help=stored(say("help-jobs-kind-row")))
    jobs.add_argument("--status", choices=get_args(JobStatus), help=stored(say("help-jobs-status-row")))
    amount = jobs.add_mutually_exclusive_group()
    amount.add_argument(
        "--limit", type=positive, default=20, metavar="N", help=stored(say("help-jobs-limit-row"))
    )
    amount.add_argument("--all", action="store_true", help=stored(say("help-jobs-all-row")))
    jobs.set_defaults(run=list_jobs)

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


def list_jobs(arguments: argparse.Namespace, settings: Settings, terminal: Terminal) -> int:
    limit = None if arguments.all else arguments.limit
    with connect(settings) as client:
        if arguments.status == "queued":
            records = _in_order(client.jobs(kind=arguments.kind, status="queued", limit=None))[:limit]
        else:
            records = client.jobs(kind=arguments.kind, status=arguments.status, limit=limit)
        is_paused = client.queue_is_paused()
    terminal.emit([record.model_dump(mode="json") for record in records])
    if records:
        rows = [job_row(record, words=_words(arguments, record)) for record in records]
        terminal.table(JOB_COLUMNS, rows, keep=KEPT_COLUMNS)
    else:
        terminal.say(say("no-jobs-row"))
    if is_paused:
        terminal.say(say("jobs-start-after-resume"))
    return 0


def _in_order(queued: list[JobRecord]) -> list[JobRecord]:
    """As they would start; those that wait for other jobs last."""
    return sorted(queued, key=lambda record: (record.queue_position or math.inf, record.created_at))


def show_job(arguments: argparse.Namespace, settings: Settings, terminal: Terminal) -> int:
    with connect(settings) as client:
        record = client.job(find_job(client, arguments.job_id))
        place = Place.of(settings, client)
    terminal.emit(record.model_dump(mode="json"))
    terminal.say(record_text(record, place, words=_words(arguments, record)))
    return 0


def _words(arguments: argparse.Namespace, record: JobRecord) -> Words:
    """How the command that submits jobs of this kind calls a request's fields."""
    options = options_of(arguments.parser.commands.values(), record.kind)
    return options.text if options else str


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
    seen: str | None = None
    with connect(settings) as client:
        job_id = find_job(client, arguments.job_id)
        words = _words(arguments, client.job(job_id))
        while True:
            ended = client.job(job_id).status in ENDED
            for event in client.events_since(job_id, seen):
                terminal.emit(event.model_dump(mode="json"))
                terminal.say(words(event_text(event, verbose=terminal.verbose)))
                seen = event.id
            if ended or not arguments.follow:
                return 0
            time.sleep(POLL_SECONDS)


def cancel_job(arguments: argparse.Namespace, settings: Settings, terminal: Terminal) -> int:
    with connect(settings) as client:
        record = client.cancel(find_job(client, arguments.job_id))
    terminal.emit(record.model_dump(mode="json"))
    terminal.say(say("job-is-row", job=record.id, status=say("job-status-row", status=record.status)))
    return 0


def download_job(arguments: argparse.Namespace, settings: Settings, terminal: Terminal) -> int:
    with connect(settings) as client:
        model = fine_tuned_model(arguments.job_id)
        status = "succeeded" if arguments.job_id == LAST else None  # what has an adapter for sure
        job_id = find_job(client, arguments.job_id, kind="fine_tuning", status=status)
        step = model.step if model else None
        place = Place.of(settings, client)
        try:
            files = download_adapter(client, job_id, arguments.folder, terminal, step=step)
        except FolderNotWritable as failure:
            if place.is_compose and step is None:
                command = place.download_command(job_id, arguments.folder.name)
                failure.advice = say("to-have-it-here-row", command=command)
            raise
    terminal.emit({"folder": str(arguments.folder), "files": files})
    terminal.say(say("files-downloaded-row", files=len(files), folder=arguments.folder))
    return 0
