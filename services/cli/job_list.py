"""`jobs`: the list of jobs, once or kept up to date until Ctrl-C."""

import argparse
import math
import time
from typing import get_args

from services.cli.client import Client
from services.cli.failure import RequestRefused, ServerUnreachable
from services.cli.options import Commands, add_client_command, pair, positive
from services.cli.patience import Patience
from services.cli.record_text import JOB_COLUMNS, KEPT_COLUMNS, job_row
from services.cli.request_options import words_of
from services.cli.server import connect
from services.cli.terminal import Terminal
from shared.messages.message import say, stored
from shared.schemas.fields import JobKind, JobStatus
from shared.schemas.records import JobRecord
from shared.settings import Settings

LIMIT = 20
WATCH_SECONDS = 2.0
PATIENCE_SECONDS = 300.0


def add_commands(commands: Commands) -> None:
    jobs = add_client_command(commands, "jobs", say("help-jobs-row"))
    jobs.add_argument("--kind", choices=get_args(JobKind), help=stored(say("help-jobs-kind-row")))
    jobs.add_argument("--status", choices=get_args(JobStatus), help=stored(say("help-jobs-status-row")))
    jobs.add_argument(
        "--metadata", action="append", type=pair, metavar="NAME=TEXT",
        help=stored(say("help-jobs-metadata-row")),
    )  # fmt: skip
    jobs.add_argument("--watch", action="store_true", help=stored(say("help-jobs-watch-row")))
    amount = jobs.add_mutually_exclusive_group()
    amount.add_argument(
        "--limit", type=positive, default=LIMIT, metavar="N", help=stored(say("help-jobs-limit-row"))
    )
    amount.add_argument("--all", action="store_true", help=stored(say("help-jobs-all-row")))
    jobs.set_defaults(run=list_jobs)


def list_jobs(arguments: argparse.Namespace, settings: Settings, terminal: Terminal) -> int:
    with connect(settings) as client:
        if arguments.watch:
            _watch(arguments, client, terminal)
        records, is_paused = _asked(arguments, client), client.queue_is_paused()
    terminal.emit([record.model_dump(mode="json") for record in records])
    if records:
        terminal.table(JOB_COLUMNS, _rows(arguments, records), keep=KEPT_COLUMNS)
    else:
        terminal.say(say("no-jobs-row"))
    if is_paused:
        terminal.say(say("jobs-start-after-resume"))
    return 0


def _watch(arguments: argparse.Namespace, client: Client, terminal: Terminal) -> None:
    """Until Ctrl-C: on a terminal one table that is drawn anew, elsewhere a line for each changed job."""
    patience = Patience(terminal, PATIENCE_SECONDS)
    told: dict[str, tuple[str, str]] = {}
    with terminal.redrawn() as drawing:
        while True:
            try:
                records, is_paused = _asked(arguments, client), client.queue_is_paused()
            except (ServerUnreachable, RequestRefused) as error:
                patience.spend(error)
                time.sleep(WATCH_SECONDS)
                continue
            patience.renew()
            if drawing.is_live:
                note = say("jobs-start-after-resume") if is_paused else None
                drawing.table(JOB_COLUMNS, _rows(arguments, records), keep=KEPT_COLUMNS, note=note)
            else:
                told = _tell_changes(arguments, records, told, terminal)
            time.sleep(WATCH_SECONDS)


def _tell_changes(
    arguments: argparse.Namespace,
    records: list[JobRecord],
    told: dict[str, tuple[str, str]],
    terminal: Terminal,
) -> dict[str, tuple[str, str]]:
    """Tell the jobs whose status or stage is not as it was `told`, oldest first; what is told then."""
    changed = [record for record in records if told.get(record.id) != _state(record)]
    for record in reversed(changed):
        terminal.emit(record.model_dump(mode="json"))
        terminal.table_row(job_row(record, words=words_of(arguments, record.kind)))
    return {record.id: _state(record) for record in records}


def _state(record: JobRecord) -> tuple[str, str]:
    return record.status, record.progress.stage


def _asked(arguments: argparse.Namespace, client: Client) -> list[JobRecord]:
    limit = None if arguments.all else arguments.limit
    metadata = dict(arguments.metadata or ())
    if arguments.status == "queued":
        queued = client.jobs(kind=arguments.kind, status="queued", metadata=metadata, limit=None)
        return _in_order(queued)[:limit]
    return client.jobs(kind=arguments.kind, status=arguments.status, metadata=metadata, limit=limit)


def _in_order(queued: list[JobRecord]) -> list[JobRecord]:
    """As they would start; those that wait for other jobs last."""
    return sorted(queued, key=lambda record: (record.queue_position or math.inf, record.created_at))


def _rows(arguments: argparse.Namespace, records: list[JobRecord]) -> list[tuple[str, ...]]:
    return [job_row(record, words=words_of(arguments, record.kind)) for record in records]
