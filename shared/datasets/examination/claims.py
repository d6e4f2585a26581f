"""What the sandboxed examiner says of one file, checked: untrusted code may have said it."""

from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from shared.datasets.prepare import RowFault
from shared.datasets.source import LONGEST_NAME, NAMES_KEPT
from shared.reports.data import DataSeverity, Notation, Separator, TextLengths, Unit
from shared.schemas.datasets import DatasetWarning, Words, printable
from shared.schemas.fields import RowFormat
from shared.schemas.frozen import Frozen

Shown = Annotated[str, StringConstraints(max_length=4000), AfterValidator(printable)]
Count = Annotated[int, Field(ge=0)]
FieldName = Annotated[str, StringConstraints(max_length=LONGEST_NAME), AfterValidator(printable)]


class Told(DatasetWarning):
    """A reader of this version says messages, never texts."""

    message: Words


class FileReading(Frozen):
    """`shared.datasets.normalise.Reading` on this side."""

    format: RowFormat | None
    rows: Count
    labels: list[str]
    causes: Annotated[list[RowFault], Field(max_length=200)]
    problem_count: Count
    unreadable: Annotated[list[Words], Field(max_length=10)]
    disk_full: bool
    fields: Annotated[list[FieldName], Field(max_length=NAMES_KEPT)]
    findings: Annotated[list[Told], Field(max_length=200)]


class FileKind(Frozen):
    notation: Notation | None
    encoding: Annotated[str, StringConstraints(max_length=20)] | None
    separator: Separator | None


class RowsProfile(Frozen):
    """`shared.datasets.examination.profile.Profile.summary`; `same` and `other_answer` count rows that are
    like an earlier one, or like a training row.
    """

    labels: Annotated[list[tuple[Shown, Count]], Field(max_length=100)]
    label_count: Count
    characters: TextLengths | None
    scripts: dict[Annotated[str, StringConstraints(max_length=20)], Annotated[float, Field(ge=0, le=1)]]
    examples: Annotated[list[Shown], Field(max_length=20)]
    same: Count
    other_answer: Count


class NotedThing(Frozen):
    """`shared.datasets.examination.noted.Noted` on this side."""

    id: Annotated[str, StringConstraints(pattern=r"^[a-z_]{1,60}$")]
    severity: DataSeverity
    title: Words
    evidence: Annotated[list[Words], Field(max_length=10)]
    remedy: Words | None
    lines: Annotated[list[int], Field(max_length=20)]
    count: Count


class Examined(Frozen):
    """`seen`: what stands in the lines with these numbers. `has_utf8_letters`: where lines are not UTF-8,
    whether others have letters that are.
    """

    reading: FileReading
    unit: Unit
    kind: FileKind
    profile: RowsProfile | None
    noted: Annotated[list[NotedThing], Field(max_length=200)]
    has_utf8_letters: bool
    seen: dict[int, Shown]
