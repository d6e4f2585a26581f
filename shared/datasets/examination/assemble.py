"""Makes the report of what the examiner said of each file: findings with severities, the gravest first."""

from collections.abc import Iterator, Mapping, Sequence

from shared.datasets.examination.claims import Examined, NotedThing, Told
from shared.datasets.examination.remedies import remedy_of
from shared.datasets.prepare import RowFault
from shared.messages.message import Message, say
from shared.reports.data import (
    ALL_ROWS,
    DataFinding,
    DataOverlap,
    DataPart,
    DataReport,
    DataSeverity,
    LabelRows,
    Part,
    ScriptShare,
)

PARTS: tuple[Part, ...] = ("training", "validation")
_SEVERITIES: tuple[DataSeverity, ...] = ("error", "warning", "note")
# What costs a model most comes first; what is not named here comes last in its severity.
_GRAVEST = (
    "labels_not_trained", "contradicting_labels", "answers_contradict", "labels_missing", "labels_mixed",
    "labels_look_alike", "labels_one", "labels_many", "text_damaged", "text_missing", "template_in_texts",
    "answers_all_same", "answers_repeat_question", "answers_cut_off", "answer_dominates",
    "labels_unbalanced", "labels_rare", "letters_in_pieces", "invisible_characters",
    "letters_of_two_alphabets", "line_ends_escaped", "fields_unused", "repeated_rows",
    "validation_overlaps", "validation_contradicts", "validation_in_other_script",
)  # fmt: skip
_ONLY_SEEN = frozenset({"columns-seen", "columns-without-header", "fields-seen", "header-without-known-name"})
"""Sentences that a file in no format begins with, unless it lacks what was asked for."""


def assembled(
    files: Sequence[tuple[str, int]],
    examined: Sequence[Examined],
    dead: Message | None,
    *,
    read_seconds: float,
) -> DataReport:
    """The report of `files`, names and bytes. `dead`: why the reader said nothing of any of them."""
    parts = [_part(*file, one) for file, one in zip(files, examined, strict=False)]
    parts += [DataPart(name=name, bytes=size, rows=0) for name, size in files[len(parts) :]]
    found = [finding for part, one in zip(PARTS, examined, strict=False) for finding in _findings(part, one)]
    if dead is not None:
        found = [DataFinding(id=_id(dead), severity="error", part="training", title=dead,
                             evidence=(), remedy=remedy_of(dead))]  # fmt: skip
    found.sort(key=_gravity)
    return DataReport(
        usable=not any(finding.severity == "error" for finding in found),
        training=parts[0],
        validation=parts[1] if len(parts) > 1 else None,
        overlap=_overlap(examined),
        findings=tuple(found),
        read_seconds=read_seconds,
    )


def _part(name: str, size_bytes: int, one: Examined) -> DataPart:
    reading, profile = one.reading, one.profile
    seen = {finding.code: finding for finding in reading.findings}
    read_as = seen.get("fields_read_as")
    facts = DataPart(
        name=name,
        bytes=size_bytes,
        notation=one.kind.notation,
        encoding=one.kind.encoding,
        separator=one.kind.separator,
        format=reading.format,
        read_as=read_as.message if read_as else None,
        unit=one.unit,
        rows=reading.rows,
        unusable_rows=reading.problem_count,
        repeated_rows=_count(seen, "repeated_rows"),
        contradicting_rows=_count(seen, "contradicting_labels"),
        fields=tuple(reading.fields),
    )
    if profile is None:
        return facts
    found_otherwise = facts.contradicting_rows or (0 if reading.format == "text" else profile.other_answer)
    return facts.model_copy(
        update={
            "contradicting_rows": found_otherwise,
            "label_count": profile.label_count,
            "labels": tuple(LabelRows(label=label, rows=rows) for label, rows in profile.labels),
            "characters": profile.characters,
            "scripts": tuple(
                ScriptShare(script=script, share=share) for script, share in profile.scripts.items()
            ),
            "examples": tuple(profile.examples),
        }
    )


def _count(seen: Mapping[str, Told], code: str) -> int:
    return seen[code].count if code in seen else 0


def _overlap(examined: Sequence[Examined]) -> DataOverlap | None:
    if len(examined) < 2 or (profile := examined[1].profile) is None:
        return None
    return DataOverlap(
        rows=profile.same + profile.other_answer,
        of=examined[1].reading.rows,
        other_answer=profile.other_answer,
    )


def _findings(part: Part, one: Examined) -> Iterator[DataFinding]:
    reading = one.reading
    if reading.unreadable:
        yield _of_file(part, reading.unreadable)
    yield from (_of_rows(part, one, cause) for cause in reading.causes)
    if reading.problem_count and not reading.unreadable:
        yield _all_faults(part, one)
    yield from (_warned(part, one, warning) for warning in reading.findings)
    yield from (_noted(part, one, thing) for thing in one.noted)


def _of_file(part: Part, said: Sequence[Message]) -> DataFinding:
    """Of the sentences on a file the first says what is wrong; where there are more, the last what to do."""
    if said[0].message_id in _ONLY_SEEN:
        said = (say("rows-in-no-format"), *said)
    title, more = said[0], said[1:]
    return DataFinding(
        id=_id(title),
        severity="error",
        part=part,
        title=title,
        evidence=tuple(more[:-1]),
        remedy=more[-1] if more else remedy_of(title),
    )


def _of_rows(part: Part, one: Examined, cause: RowFault) -> DataFinding:
    others = cause.others
    evidence = [
        say(
            "others-have-fault",
            others=others.count,
            unit=cause.unit,
            numbers=[str(number) for number in others.numbers],
            more=others.count - len(others.numbers),
        )
    ]
    return DataFinding(
        id=_id(cause.said),
        severity="error",
        part=part,
        title=say("problem-of-row", unit=cause.unit, number=cause.number, problem=cause.said),
        evidence=tuple(evidence if others.count else ()),
        remedy=remedy_of(
            cause.said,
            has_utf8_letters=one.has_utf8_letters,
            is_binary=one.kind.notation in ("parquet", "arrow"),
        ),
        unit=cause.unit,
        lines=(cause.number, *others.numbers),
        count=1 + others.count,
        seen=cause.seen if cause.seen is not None else one.seen.get(cause.number),
    )


def _all_faults(part: Part, one: Examined) -> DataFinding:
    """How many rows are lost in all: a fine-tuning takes a data set only whole."""
    unusable, usable = one.reading.problem_count, one.reading.rows
    return DataFinding(
        id=ALL_ROWS,
        severity="error",
        part=part,
        title=say("rows-unusable-of", rows=unusable, of=unusable + usable),
        evidence=(),
        remedy=say("mend-or-remove-rows"),
        count=unusable,
    )


def _warned(part: Part, one: Examined, warning: Told) -> DataFinding:
    return DataFinding(
        id=warning.code,
        severity="warning" if warning.level == "warn" else "note",
        part=part,
        title=warning.message,
        evidence=(),
        unit=one.unit,
        lines=tuple(warning.lines),
        count=warning.count,
        seen=one.seen.get(warning.lines[0]) if warning.lines else None,
    )


def _noted(part: Part, one: Examined, thing: NotedThing) -> DataFinding:
    return DataFinding(
        id=thing.id,
        severity=thing.severity,
        part=part,
        title=thing.title,
        evidence=tuple(thing.evidence),
        remedy=thing.remedy,
        unit=one.unit,
        lines=tuple(thing.lines),
        count=thing.count,
        seen=one.seen.get(thing.lines[0]) if thing.lines else None,
    )


def _id(fault: Message) -> str:
    """The id of its sentence, or of the first of several, written as ids of findings are."""
    sentences = fault.values.get("sentences")
    if isinstance(sentences, tuple) and sentences and isinstance(sentences[0], Message):
        return _id(sentences[0])
    return fault.message_id.replace("-", "_")


def _gravity(finding: DataFinding) -> tuple[int, int, int]:
    order = _GRAVEST.index(finding.id) if finding.id in _GRAVEST else len(_GRAVEST)
    severity = _SEVERITIES.index(finding.severity)
    return severity, order if severity else 0, PARTS.index(finding.part)
