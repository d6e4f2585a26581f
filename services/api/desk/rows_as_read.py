"""Rows as a model reads them: of the job that reports on a data set, its numbers, findings and rows."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from services.api.data_page.figures import key_figures
from services.api.data_page.rows import shown_row
from services.api.page_kit.figure import Figure
from services.api.page_kit.shown_rows import ShownRow
from shared.reports.data import DataFinding
from shared.reports.data_tokens import TokenReport
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
    return RowsAsRead(key_figures(report), report.findings, tuple(map(shown_row, report.training.examples)))
