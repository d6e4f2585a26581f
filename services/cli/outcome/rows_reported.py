"""What a report of a data set's tokens came to; the rendered rows are in the job's report."""

from typing import Any

from services.cli.outcome.lines import next_steps
from services.cli.outcome.place import Place
from shared.messages.message import say
from shared.reports.data_tokens import TokenReport
from shared.reports.data_tokens_text import tokens_text
from shared.reports.stored import read_stored
from shared.schemas.records import JobRecord


def rows_reported_text(record: JobRecord, result: dict[str, Any], place: Place) -> str:
    report = read_stored(TokenReport, result)
    steps = [(say("rendered-rows-label"), place.command("report", record.id))]
    return "\n".join([tokens_text(report), *next_steps(steps)])
