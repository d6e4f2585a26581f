"""Rows as a model reads them: of the job that reports on a data set, its numbers, findings and rows."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from services.api.desk.told_events import ShownRow, stretches
from services.api.page_kit.figure import Figure
from services.api.page_kit.shares import in_hundred
from shared.messages.message import say
from shared.messages.render import told
from shared.reports.data import DataFinding
from shared.reports.data_tokens import RenderedRow, TokenPart, TokenReport
from shared.reports.stored import read_stored


@dataclass(frozen=True)
class RowsAsRead:
    figures: tuple[Figure, ...]
    findings: tuple[DataFinding, ...]
    rows: tuple[ShownRow, ...]


def rows_as_read(values: Mapping[str, Any]) -> RowsAsRead | None:
    """`values`: the job's report.json. None where another release wrote it otherwise."""
    try:
        report = read_stored(TokenReport, values)
    except ValidationError:
        return None
    return RowsAsRead(
        tuple(_figures(report.training, report.max_seq_length)),
        report.findings,
        tuple(map(_shown, report.training.examples)),
    )


def _figures(part: TokenPart, longest: int) -> list[Figure]:
    tokens = part.tokens
    lengths = say("lengths-of-rows-row", p95=f"{tokens.p95:,}", longest=f"{tokens.longest:,}")
    return [
        Figure(told(say("rows-title")), f"{tokens.rows:,}", ""),
        Figure(told(say("tokens-of-a-row-title")), f"{tokens.mean:,.0f}", told(lengths)),
        Figure(
            told(say("cut-rows-title")),
            in_hundred(part.cut_ratio),
            told(say("cut-at-row", tokens=f"{longest:,}")),
        ),
    ]


def _shown(row: RenderedRow) -> ShownRow:
    return ShownRow(tuple(stretches(row.text, row.learned)), row.left_out_tokens)
