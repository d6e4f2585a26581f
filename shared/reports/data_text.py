"""The report of a data set as plain lines: what each file holds, and every finding with what to change."""

from collections.abc import Iterator, Sequence

from shared.messages.message import Message, say
from shared.messages.render import told
from shared.reports.data import ALL_ROWS, DataFinding, DataPart, DataReport
from shared.reports.text import row

_LABELS_SHOWN = 8
_SCRIPTS_SHOWN = 4
_LEAST_SHARE = 0.005


def data_text(report: DataReport) -> str:
    """The whole report in the reader's language, without colours."""
    lines = [*part_lines(report.training)]
    if report.validation is not None:
        lines += ["", *part_lines(report.validation)]
    if report.overlap is not None:
        said = say("overlap-row", rows=report.overlap.rows, of=report.overlap.of)
        lines.append(row(say("overlap-label"), said))
    lines += ["", *data_finding_lines(report.findings), told(_verdict(report))]
    return "\n".join(lines)


def part_lines(part: DataPart) -> Iterator[str]:
    """What one file holds."""
    yield told(say("data-file-title", name=part.name, file_bytes=part.bytes, kind=_kind(part)))
    yield row(say("rows-label"), _rows(part))
    if part.format is not None:
        yield row(say("format-label"), part.format)
    if part.labels:
        yield row(say("labels-label"), _labels(part))
    if part.repeated_rows or part.contradicting_rows:
        said = say("repeats-row", repeated=part.repeated_rows, contradicting=part.contradicting_rows)
        yield row(say("repeats-label"), said)
    if (texts := part.characters) is not None:
        yield row(
            say("texts-label"),
            say(
                "texts-row",
                mean=round(texts.mean),
                p50=texts.p50,
                p95=texts.p95,
                longest=texts.longest,
                unit=part.unit,
                place=texts.longest_at,
            ),
        )
    shares = [one for one in part.scripts[:_SCRIPTS_SHOWN] if one.share >= _LEAST_SHARE]
    if shares:
        pieces = [say("script-piece", script=one.script, share_ratio=one.share) for one in shares]
        yield row(say("scripts-label"), say("scripts-row", scripts=pieces))


def data_finding_lines(findings: Sequence[DataFinding]) -> Iterator[str]:
    """Each finding with its evidence, what stands in the file and what to change, and a blank line."""
    number = 0
    for finding in findings:
        if finding.id != ALL_ROWS:
            number += 1
            yield told(_heading(number, finding))
        yield f"   {told(finding.title)}"
        yield from (f"   - {told(sentence)}" for sentence in finding.evidence)
        if finding.seen:
            yield f"   {told(say('seen-row', seen=finding.seen))}"
        if finding.remedy is not None:
            yield f"   > {told(finding.remedy)}"
        yield ""


def _heading(number: int, finding: DataFinding) -> Message:
    """With the lines, unless the sentences below name them."""
    lines = () if finding.names_lines else finding.lines
    return say(
        "data-finding-title",
        number=number,
        severity=finding.severity,
        part=finding.part,
        finding=finding.id,
        unit=finding.unit if lines else "none",
        lines=[str(line) for line in lines],
        shown=len(lines),
        more=max(0, finding.count - len(lines)) if lines else 0,
    )


def _kind(part: DataPart) -> Message:
    encoding = part.encoding
    return say(
        "file-kind-piece",
        notation=part.notation,
        has_encoding=encoding is not None,
        encoding=(encoding or "").upper(),
    )


def _rows(part: DataPart) -> Message:
    return say("data-rows-row", rows=part.rows + part.unusable_rows, unusable=part.unusable_rows)


def _labels(part: DataPart) -> Message:
    shown = part.labels[:_LABELS_SHOWN]
    pieces = [f"{one.label} ({one.rows:,})" for one in shown]
    return say("labels-row", count=part.label_count, labels=pieces, more=part.label_count - len(shown))


def _verdict(report: DataReport) -> Message:
    """What `rows_unusable` counts together are the errors before it, not one more."""
    single = [finding for finding in report.findings if finding.id != ALL_ROWS] or report.findings
    counted = {
        severity: sum(finding.severity == severity for finding in single) for severity in ("error", "warning")
    }
    if not report.usable:
        return say("data-not-usable", errors=counted["error"])
    if counted["warning"]:
        return say("data-usable-with-warnings", warnings=counted["warning"])
    return say("data-usable")
