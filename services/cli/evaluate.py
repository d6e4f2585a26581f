"""`evaluate`: how well a model or an adapter does on rows; with --compare both, side by side."""

import argparse
from typing import Any

from services.cli.client import Client
from services.cli.failure import CommandFailed, UsageError
from services.cli.job_ids import LAST, find_job
from services.cli.options import Commands, add_client_command
from services.cli.outcome.evaluated import compared_text
from services.cli.outcome.outcome import Place, outcome_text
from services.cli.request_options import RequestOptions, add_columns, add_file, add_metadata, add_schema
from services.cli.server import connect
from services.cli.submission import add_detach, follow, submitted, tell_detached, uploads
from services.cli.submit import one_source
from services.cli.terminal import Terminal
from shared.model_names import is_fine_tuned
from shared.schemas import EvaluationRequest, JobRecord
from shared.settings import Settings


def add_commands(commands: Commands) -> None:
    evaluate = add_client_command(
        commands, "evaluate", "measure how well a model or an adapter does on rows it has not seen"
    )
    options = RequestOptions(evaluate, "evaluation")
    add_file(options, evaluate, "FILE", "file", "rows to upload, or the id of an upload")
    options.add(
        evaluate, "--dataset", "dataset", metavar="NAME", help="a data set of the server, instead of FILE"
    )
    options.add(
        evaluate, "--adapter", "adapter", metavar="ID",
        help="a fine-tuned model's id, or the job that made it, or its first characters; last: the newest",
    )  # fmt: skip
    options.add(
        evaluate, "--model", "model", metavar="MODEL", help="base model; an adapter's is known without"
    )
    add_columns(options, evaluate)
    add_metadata(options, evaluate)
    add_schema(options, evaluate, EvaluationRequest)
    evaluate.add_argument(
        "--compare", action="store_true", help="with --adapter: the base model on the same rows first"
    )
    add_detach(evaluate)
    evaluate.set_defaults(run=evaluate_model)


def evaluate_model(arguments: argparse.Namespace, settings: Settings, terminal: Terminal) -> int:
    one_source(arguments, "file", "FILE")
    options: RequestOptions = arguments.options
    if arguments.compare and arguments.adapter is None:
        raise UsageError("--compare compares an adapter with its base model", "Name one with --adapter ID.")
    if arguments.compare and arguments.detach:
        raise UsageError("--compare waits for both evaluations, so it can't be had with --detach")
    request = options.request(arguments)
    options.require(request)
    with connect(settings) as client:
        place = Place.of(settings, client)
        if arguments.adapter is not None:
            request["adapter"], base = trained_adapter(client, arguments.adapter)
        else:
            base = {}
        request |= uploads(client, options.files(arguments), terminal)
        if arguments.compare:
            return _compare(client, request, base, options, terminal, place)
        record: JobRecord = (accepted := submitted(client, request, options, terminal))
        if arguments.detach:
            tell_detached(accepted, terminal)
        else:
            record = follow(client, record, terminal)
            terminal.say(outcome_text(record, place, words=options.text))
    terminal.emit(record.model_dump(mode="json"))
    return 0 if arguments.detach or record.status == "succeeded" else 1


def trained_adapter(client: Client, text: str) -> tuple[str, dict[str, Any]]:
    """(the fine-tuned model's id, the fields that its base needs for the same question).

    Raises `CommandFailed` for a job that made none; a model's id that no job of the kind made is the API's
    to judge.
    """
    only_good = "succeeded" if text == LAST else None
    job_id = find_job(client, text, kind="fine_tuning", status=only_good)
    if is_fine_tuned(text) and not job_id.startswith("ftjob-"):
        return text, {}
    record = client.job(job_id)
    result = record.result or {}
    if record.kind != "fine_tuning" or not result.get("fine_tuned_model"):
        raise CommandFailed(
            f"{record.id} is a {record.kind} job that is {record.status}; it has made no adapter",
            "Those that have: ./tunedock jobs --kind fine_tuning --status succeeded",
        )
    base = {name: record.request.get(name) for name in ("model", "revision")}
    base["instruction"] = result.get("instruction")  # the base is asked what the adapter learned to answer
    name = text if is_fine_tuned(text) else str(result["fine_tuned_model"])
    return name, {field: value for field, value in base.items() if value is not None}


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
    for title, wanted in (("The base model", without), ("The adapter", request)):
        terminal.note(f"{title}:")
        record = follow(client, submitted(client, wanted, options, terminal), terminal)
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
