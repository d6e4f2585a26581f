"""`check-data`: what is wrong or odd in a file of rows, here and at once; with a model, as it reads them."""

import argparse
from pathlib import Path
from typing import Any

from services.cli.client import Client
from services.cli.failure import UsageError
from services.cli.options import Commands, add_client_command
from services.cli.outcome.outcome import Place, outcome_text
from services.cli.request_options import (
    RequestOptions,
    add_columns,
    add_file,
    add_metadata,
    add_order,
    add_schema,
    add_webhook,
)
from services.cli.server import connect
from services.cli.submission import add_watching, find_ids, follow, submitted, tell_detached, uploaded
from services.cli.submit import one_source
from services.cli.terminal import Terminal
from shared.datasets.examination.examine import DataFile, examine
from shared.datasets.names import resolve_dataset
from shared.errors import Refusal
from shared.messages.document import in_sentences
from shared.messages.message import say, stored
from shared.reports.data import DataReport
from shared.reports.data_text import data_text
from shared.reports.stored import read_stored
from shared.schemas.records import JobRecord
from shared.schemas.requests import NEED_MODEL, DatasetReportRequest
from shared.settings import Settings

_OF_EXAMINATION = (
    "training_file", "dataset", "validation_file", "validation_dataset", "format", "columns",
)  # fmt: skip


def add_commands(commands: Commands) -> None:
    check = add_client_command(commands, "check-data", say("help-check-data-row"))
    options = RequestOptions(check, "dataset_report")
    add_file(options, check, "FILE", "training_file", say("help-checked-file-row"))
    options.add(check, "--dataset", "dataset", metavar="NAME", help=stored(say("help-dataset-row")))
    add_file(options, check, "--validation", "validation_file", say("help-checked-validation-row"))
    options.add(
        check, "--validation-dataset", "validation_dataset", metavar="NAME",
        help=stored(say("help-validation-dataset-row")),
    )  # fmt: skip
    options.add(check, "--model", "model", metavar="MODEL", help=stored(say("help-check-model-row")))
    add_columns(options, check)
    add_metadata(options, check)
    add_order(options, check)
    add_webhook(options, check)
    add_schema(options, check, DatasetReportRequest)
    add_watching(check)
    check.set_defaults(run=check_data)


def check_data(arguments: argparse.Namespace, settings: Settings, terminal: Terminal) -> int:
    """0 where the rows can be learned, 1 where an error keeps them from it. Without a model, and with a file
    of this machine, no service is asked.
    """
    one_source(arguments, "training_file", "FILE")
    if arguments.validation_file is not None and arguments.validation_dataset is not None:
        raise UsageError(say("one-checked-validation"))
    options: RequestOptions = arguments.options
    request = options.request(arguments)
    options.require(request)
    _require_model(request, options)
    report = _report(arguments, request, settings, terminal)
    terminal.say(options.text(data_text(report)))
    record = None
    if arguments.model is not None and report.usable:
        record = _rows_as_tokens(arguments, request, settings, terminal)
    shown = in_sentences(report.model_dump(mode="json"))
    terminal.emit({**shown, "job": record.model_dump(mode="json") if record else None})
    job_is_well = record is None or arguments.detach or record.status == "succeeded"
    return 0 if report.usable and job_is_well else 1


def _require_model(request: dict[str, Any], options: RequestOptions) -> None:
    """Raise `UsageError` for an option that means nothing without --model."""
    given = [name for name in (*NEED_MODEL, "metadata", "priority", "after", "webhook") if name in request]
    if "model" not in request and given:
        raise UsageError(say("option-needs-model", option=options.option_of[given[0]]))


def _report(
    arguments: argparse.Namespace, request: dict[str, Any], settings: Settings, terminal: Terminal
) -> DataReport:
    """Made here, or by the service where it has the rows: an upload, or a data set of a server elsewhere."""
    uploads = (arguments.training_file, arguments.validation_file)
    names = (arguments.dataset, arguments.validation_dataset)
    if any(isinstance(one, str) for one in uploads) or (settings.server is not None and any(names)):
        return _report_of_service(arguments, request, settings, terminal)
    training = _file(arguments.training_file, arguments.dataset, settings)
    validation = None
    if arguments.validation_file is not None or arguments.validation_dataset is not None:
        validation = _file(arguments.validation_file, arguments.validation_dataset, settings)
    try:
        with terminal.waiting(say("examining-row", file=training.name)):
            return examine(
                training,
                validation,
                format=request.get("format", "auto"),
                columns=request.get("columns"),
            )
    except Refusal as refused:
        raise UsageError(arguments.options.text(refused.message)) from refused


def _file(file: Path | None, dataset: str | None, settings: Settings) -> DataFile:
    if file is not None:
        return DataFile(file, file.name)
    try:
        return DataFile(resolve_dataset(str(dataset), settings.datasets_dir), str(dataset))
    except Refusal as refused:
        raise UsageError(refused.message) from refused


def _report_of_service(
    arguments: argparse.Namespace, request: dict[str, Any], settings: Settings, terminal: Terminal
) -> DataReport:
    options: RequestOptions = arguments.options
    wanted = {name: request[name] for name in _OF_EXAMINATION if name in request}
    with connect(settings) as client:
        find_ids(client, wanted)
        with uploaded(client, options.files(arguments), terminal) as sent:
            answer = client.data_report(wanted | sent)
        for file_id in sent.values():
            client.delete("files", file_id)
    return read_stored(DataReport, {name: answer[name] for name in answer if name != "job"})


def _rows_as_tokens(
    arguments: argparse.Namespace, request: dict[str, Any], settings: Settings, terminal: Terminal
) -> JobRecord:
    """Ask the service for the rows as the model reads them, and say what it found."""
    options: RequestOptions = arguments.options
    with connect(settings) as client:
        find_ids(client, request)
        with uploaded(client, options.files(arguments), terminal) as sent:
            record: JobRecord = (accepted := submitted(client, request | sent, options, terminal))
        if arguments.detach:
            tell_detached(accepted, options, terminal)
            return record
        place = Place.of(settings, client)
        record = follow(client, record, options, place, terminal)
        terminal.say()
        terminal.say(_found(client, record, place, options))
    return record


def _found(client: Client, record: JobRecord, place: Place, options: RequestOptions) -> str:
    """The whole report with its rows, or why there is none."""
    if record.status != "succeeded":
        return outcome_text(record, place, words=options.text)
    return options.text(str(client.report(record.id).get("text", "")))
