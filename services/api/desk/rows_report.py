"""What is in a data set, before a job reads it: the report of its rows, made while the page is drawn."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.api.data_report_routes import DataReportRequest, data_report
from services.api.desk.rows_to_read import Field
from services.api.desk.submitting import checked
from services.api.desk.suggested_reading import SuggestedReading, suggested_readings
from services.api.page_kit.bars import Bar
from services.api.page_kit.rows import Row
from services.api.page_kit.scales import Scale
from services.api.service import Service
from shared.datasets.examination.examine import DataFile
from shared.datasets.names import resolve_dataset
from shared.messages.message import Message, say
from shared.messages.render import told
from shared.reports.data import DataFinding, DataPart, DataReport
from shared.units import size

AT_ONCE_BYTES = 16 * 1024**2  # a larger file is read where somebody asks for it
MOST_FINDINGS = 30
MOST_LABELS = 12


@dataclass(frozen=True)
class RowsReport:
    """`report` is None of a file so large that its reader should ask for it; the rest is drawn from it."""

    report: DataReport | None
    size_bytes: int
    rows: tuple[Row, ...] = ()
    labels: tuple[Bar, ...] = ()
    findings: tuple[DataFinding, ...] = ()
    unshown: int = 0
    readings: tuple[SuggestedReading, ...] = ()


def rows_report(
    service: Service, field: Field, value: str, reading: Mapping[str, Any], *, whole: bool
) -> RowsReport:
    """`reading`: `format` and `columns` of a request. Raises `NotFound` and `InvalidField`."""
    size_bytes = DataFile(_path(service, field, value), value).bytes
    if size_bytes > AT_ONCE_BYTES and not whole:
        return RowsReport(None, size_bytes)
    report = data_report(service, checked(DataReportRequest, {field: value, **reading}))
    return RowsReport(
        report,
        size_bytes,
        rows=tuple(_facts(report.training)),
        labels=_labels(report.training),
        findings=report.findings[:MOST_FINDINGS],
        unshown=max(0, len(report.findings) - MOST_FINDINGS),
        readings=() if report.usable else suggested_readings(report.findings),
    )


def _path(service: Service, field: Field, value: str) -> Path:
    if field == "training_file":
        return service.files.content(value)
    return resolve_dataset(value, service.settings.datasets_dir)


def _facts(part: DataPart) -> list[Row]:
    in_all = part.rows + part.unusable_rows
    rows = [_row(say("rows-label"), f"{in_all:,}"), _row(say("size-of-file-label"), size(part.bytes))]
    if part.format:
        rows.append(_row(say("format-of-rows-label"), say("format-of-rows-row", format=part.format)))
    for label, count in (
        (say("unusable-rows-label"), part.unusable_rows),
        (say("repeated-rows-label"), part.repeated_rows),
        (say("contradicting-rows-label"), part.contradicting_rows),
    ):
        if count:
            rows.append(_row(label, f"{count:,}"))
    if lengths := part.characters:
        told_lengths = say(
            "characters-of-row-row", mean=f"{lengths.mean:,.0f}", p95=f"{lengths.p95:,}",
            longest=f"{lengths.longest:,}",
        )  # fmt: skip
        rows.append(_row(say("characters-label"), told_lengths))
    return rows


def _labels(part: DataPart) -> tuple[Bar, ...]:
    scale = Scale.over(label.rows for label in part.labels)
    shown = part.labels[:MOST_LABELS]
    return tuple(Bar("measured", one.label, one.rows, scale.percent(one.rows)) for one in shown)


def _row(label: Message, value: str | Message) -> Row:
    return Row(told(label), told(value))
