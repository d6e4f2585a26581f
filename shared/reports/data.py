"""The report of a data set: what is in its rows, what is wrong or odd in them, and what to change."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from shared.messages.message import Message
from shared.reports.stored import Said, Stored, Word
from shared.schemas.fields import RowFormat

DataSeverity = Literal["error", "warning", "note"]
Part = Literal["training", "validation"]
Unit = Literal["line", "row"]
Notation = Literal["json_lines", "json", "csv", "tsv", "parquet", "arrow"]
Separator = Literal["comma", "tab", "semicolon", "bar"]


ALL_ROWS = "rows_unusable"
"""The finding that only adds up what others say row by row."""


class DataFinding(Stored):
    """Something wrong (`error`: the rows can't be used as they are), odd (`warning`), or good to know
    (`note`).
    """

    lacking: ClassVar[Mapping[str, Any]] = {"evidence": ()}

    id: str
    severity: Word[DataSeverity]
    part: Word[Part]
    title: Said
    evidence: tuple[Said, ...]
    remedy: Said | None = None
    """What to change in the file, or which option to give; None where the title says it."""
    unit: Word[Unit] | None = None
    """What `lines` count: lines of a text file, rows of other files."""
    lines: tuple[int, ...] = ()
    """The first of the `count` rows that it is about; none where it is about the whole."""
    count: int = 0
    seen: str | None = None
    """What stands in the first of them, cut short."""

    @property
    def names_lines(self) -> bool:
        """Whether its sentences say which lines it is about."""
        title = self.title
        return isinstance(title, Message) and title.message_id in ("seen-in-rows", "problem-of-row")


class LabelRows(Stored):
    label: str
    rows: int


class ScriptShare(Stored):
    """The share of one script among the letters."""

    script: str
    share: float


class TextLengths(Stored):
    """Characters of a row's texts, all together."""

    total: int
    mean: float
    p50: int
    p95: int
    longest: int
    longest_at: int
    """The number of that line or row."""


class DataPart(Stored):
    """What one file holds. Of one that could not be read to its end, what was seen until there."""

    lacking: ClassVar[Mapping[str, Any]] = {"rows": 0, "bytes": 0}

    name: str
    bytes: int
    notation: Word[Notation] | None = None
    """None where it is of no kind that can be read."""
    encoding: str | None = None
    """Of a text file."""
    separator: Word[Separator] | None = None
    """Between the cells of a table."""
    format: Word[RowFormat] | None = None
    """None where the rows are in none."""
    read_as: Said | None = None
    """How fields of other names are read."""
    unit: Word[Unit] = "line"
    rows: int
    """That can be used."""
    unusable_rows: int = 0
    repeated_rows: int = 0
    contradicting_rows: int = 0
    """With the question, or text, of an earlier row and another answer, or label."""
    label_count: int = 0
    labels: tuple[LabelRows, ...] = ()
    """The most frequent ones."""
    characters: TextLengths | None = None
    scripts: tuple[ScriptShare, ...] = ()
    """The largest first. Of a large file, of the rows that were looked at."""
    fields: tuple[str, ...] = ()
    """Names of its columns, or of the fields of its first rows."""
    examples: tuple[str, ...] = ()
    """The first rows that can be used, as JSON in the fields of `format`."""


class DataOverlap(Stored):
    """Validation rows that are learned, too."""

    rows: int
    of: int
    other_answer: int = 0
    """Whose question, or text, is learned with another answer, or label."""


class DataReport(Stored):
    """Everything found in a data set without a model. Readers go by `schema_version`; a new field does not
    raise it.
    """

    lacking: ClassVar[Mapping[str, Any]] = {"findings": (), "usable": False}

    schema_version: Literal[1] = 1
    kind: Literal["data"] = "data"
    usable: bool
    """Whether a fine-tuning would take it: there is no error."""
    training: DataPart
    validation: DataPart | None = None
    overlap: DataOverlap | None = None
    """None without validation rows."""
    findings: tuple[DataFinding, ...]
    """The gravest first."""
    read_seconds: float | None = None
