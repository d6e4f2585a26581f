"""`evaluate`: how well a model or an adapter does on rows; with --compare both, side by side."""

import argparse
from typing import Any

from services.cli.adapters import named_adapter
from services.cli.client import Client
from services.cli.failure import CommandFailed, UsageError
from services.cli.options import Commands, add_client_command
from services.cli.outcome.evaluated import compared_text
from services.cli.outcome.outcome import Place, outcome_text
from services.cli.request_options import (
    RequestOptions,
    add_columns,
    add_file,
    add_metadata,
    add_model,
    add_order,
    add_schema,
    add_webhook,
)
from services.cli.server import connect
from services.cli.submission import (
    add_watching,
    find_ids,
    follow,
    submitted,
    tell_detached,
    uploaded,
)
from services.cli.submit import one_source
from services.cli.terminal import Terminal
from shared.jobs import TERMINAL
from shared.messages.message import say, stored
from shared.schemas.records import JobRecord
from shared.schemas.requests import EvaluationRequest
from shared.settings import Settings


def add_commands(commands: Commands) -> None:
    evaluate = add_client_command(commands, "evaluate", say("help-evaluate-row"))
    options = RequestOptions(evaluate, "evaluation")
    add_file(options, evaluate, "FILE", "file", say("help-file-row"))
    options.add(evaluate, "--dataset", "dataset", metavar="NAME", help=stored(say("help-dataset-row")))
    options.add(
        evaluate, "--adapter", "adapter", metavar="ID",
        help=stored(say("help-evaluated-adapter-row")),
    )  # fmt: skip
    add_model(options, evaluate)
    add_columns(options, evaluate)
    add_metadata(options, evaluate)
    add_order(options, evaluate)
    add_webhook(options, evaluate)
    add_schema(options, evaluate, EvaluationRequest)
    evaluate.add_argument("--compare", action="store_true", help=stored(say("help-compare-row")))
    add_watching(evaluate)
    evaluate.set_defaults(run=evaluate_model)


def evaluate_model(arguments: argparse.Namespace, settings: Settings, terminal: Terminal) -> int:
    one_source(arguments, "file", "FILE")
    options: RequestOptions = arguments.options
    if arguments.compare and arguments.adapter is None:
        raise UsageError(say("compare-wants-adapter"), say("name-adapter"))
    if arguments.compare and arguments.detach:
        raise UsageError(say("compare-waits"))
    request = options.request(arguments)
    options.require(request)
    with connect(settings) as client:
        place = Place.of(settings, client)
        base: dict[str, Any] = {}
        if arguments.adapter is not None:
            request["adapter"], trained = named_adapter(client, arguments.adapter)
            if arguments.compare and trained.status not in TERMINAL:
                raise CommandFailed(say("compare-wants-made-adapter", job=trained.id, status=trained.status))
            base = base_question(trained)
        find_ids(client, request)
        with uploaded(client, options.files(arguments), terminal) as sent:
            request |= sent
            if arguments.compare:
                return _compare(client, request, base, options, terminal, place)
            record: JobRecord = (accepted := submitted(client, request, options, terminal))
        if arguments.detach:
            tell_detached(accepted, options, terminal)
        else:
            record = follow(client, record, options, place, terminal)
            terminal.say(outcome_text(record, place, words=options.text))
    terminal.emit(record.model_dump(mode="json"))
    return 0 if arguments.detach or record.status == "succeeded" else 1


def base_question(trained: JobRecord) -> dict[str, Any]:
    """The fields of an evaluation that asks the base model what the adapter learned to answer."""
    result = trained.result or {}
    fields = {name: trained.request.get(name) for name in ("model", "revision", "instruction")}
    fields["instruction"] = result.get("instruction") or fields["instruction"]
    return {name: value for name, value in fields.items() if value is not None}


def _compare(
    client: Client,
    request: dict[str, Any],
    base: dict[str, Any],
    options: RequestOptions,
    terminal: Terminal,
    place: Place,
) -> int:
    without = base | {name: value for name, value in request.items() if name != "adapter"}
    records: list[JobRecord] = []
    told: set[str] = set()  # both read the same rows
    for title, wanted in ((say("the-base-model-row"), without), (say("the-adapter-row"), request)):
        terminal.note(title)
        record = follow(client, submitted(client, wanted, options, terminal), options, place, terminal, told)
        records.append(record)
        if record.status != "succeeded":
            terminal.say(outcome_text(record, place, words=options.text))
            break
    results = [record.result or {} for record in records]
    succeeded = len(records) == 2 and all(record.status == "succeeded" for record in records)
    if succeeded:
        terminal.say(compared_text(records[0], results[0], records[1], results[1]))
    terminal.emit(
        {name: one.model_dump(mode="json") for name, one in zip(("before", "after"), records, strict=False)}
    )
    return 0 if succeeded else 1
