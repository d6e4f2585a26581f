"""The report of a data set with a model: its rows as tokens, what is cut of them, what is learned."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from shared.reports.data import DataFinding, Part
from shared.reports.rows import RowsUsed
from shared.reports.stored import Stored, Word
from shared.reports.training_facts import TokenCounts


class ScriptTokens(Stored):
    """How many tokens the letters of one script take, in the rows that were looked at."""

    script: str
    letters: int
    tokens: int
    tokens_per_letter: float
    usual_tokens_per_letter: float | None = None
    """Of tokenizers that know the script well; None where it was not measured."""

    @property
    def times_as_many(self) -> float | None:
        """As usual."""
        if self.usual_tokens_per_letter is None:
            return None
        return self.tokens_per_letter / self.usual_tokens_per_letter


class RenderedRow(Stored):
    """One row as the model reads it, decoded from its tokens."""

    number: int
    """Among the rows that are learned from, from 1."""
    text: str
    learned: tuple[tuple[int, int], ...]
    """Half-open ranges of characters of `text` that are learned."""
    tokens: int
    learned_tokens: int
    left_out_tokens: int = 0
    """Not shown: of a long row, what is far from the first learned stretch."""

    @property
    def marked(self) -> str:
        """The text with ⟦ and ⟧ around each learned stretch."""
        parts, at = [], 0
        for start, end in self.learned:
            parts += [self.text[at:start], "⟦", self.text[start:end], "⟧"]
            at = end
        return "".join([*parts, self.text[at:]])


class TokenPart(RowsUsed):
    """One file's rows as tokens."""

    part: Word[Part]
    tokens: TokenCounts
    characters_per_token: float
    """Of the texts that were looked at, without a template."""
    scripts: tuple[ScriptTokens, ...] = ()
    """The one with the most letters first."""
    examples: tuple[RenderedRow, ...] = ()

    @property
    def cut_ratio(self) -> float:
        """The share of rows that are cut."""
        return self.truncated_rows / (self.read_rows or self.rows or 1)


class TokenReport(Stored):
    """Readers go by `schema_version`; a new field does not raise it."""

    lacking: ClassVar[Mapping[str, Any]] = {"findings": (), "text": ""}

    schema_version: Literal[1] = 1
    kind: Literal["dataset_report"] = "dataset_report"
    model: str
    max_seq_length: int
    training: TokenPart
    validation: TokenPart | None = None
    findings: tuple[DataFinding, ...]
    """The gravest first; `lines` are rows."""
    text: str
    """The same for people, as plain lines in English; `data_tokens_text` has them in other languages."""

    def result(self) -> dict[str, Any]:
        """What the job's record keeps: all but the rendered rows and the text."""
        examples = {"training": {"examples"}, "validation": {"examples"}}
        return self.model_dump(mode="json", exclude={"text": True, **examples})
