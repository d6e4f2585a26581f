"""What was found in a data set: its rows, and warnings about them."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, PositiveFloat, PositiveInt, StringConstraints

from shared.messages.message import Message, say, stored, with_texts
from shared.schemas.fields import RowFormat
from shared.schemas.frozen import Frozen

LONGEST_MESSAGE = 8000


def printable(value: str) -> str:
    """For words that go to terminals and logs: a control character is written as its number."""
    return "".join(sign if sign.isprintable() else f"\\u{ord(sign):04x}" for sign in value)


def _bounded(said: Message) -> Message:
    """What a reader in the sandbox says goes to terminals and logs."""
    if len(stored(said)) > LONGEST_MESSAGE:
        raise ValueError("what the reader says is too long")
    return with_texts(said, printable)


Words = Annotated[Message, AfterValidator(_bounded)]


class DatasetWarning(Frozen):
    """Something true of rows that can be used all the same; `lines` are the first of the `count` rows.

    `message` is a text where a job of an earlier version has it.
    """

    code: Annotated[str, StringConstraints(max_length=40)]
    message: Annotated[str, StringConstraints(max_length=4000), AfterValidator(printable)] | Words
    count: Annotated[int, Field(ge=0)] = 0
    lines: Annotated[list[Annotated[int, Field(ge=1)]], Field(max_length=20)] = []
    level: Literal["info", "warn"] = Field("warn", description="`info`: what was done; `warn`: look at it")


class PartWarning(DatasetWarning):
    """A warning about one of a job's data sets."""

    part: Literal["training", "validation", "evaluation"]

    @property
    def said(self) -> Message:
        """With the rows it is about."""
        return say("of-part", part=self.part, message=self.message)


class JobWarning(PartWarning):
    """The same as its reader is told."""

    message: str


class DatasetSummary(Frozen):
    """What reading a data set found; `labels` (classification only) in order of their names."""

    format: RowFormat
    rows: PositiveInt
    bytes: PositiveInt = Field(description="size of the normalised JSONL")
    sha256: str = Field(description="of the normalised JSONL")
    labels: list[str] | None = None
    read_seconds: PositiveFloat | None = None
    warnings: list[DatasetWarning] = []
