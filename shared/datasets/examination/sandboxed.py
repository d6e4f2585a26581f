"""The sandboxed examiner: reads a data set, and the one it is validated on, and says what is in them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shared.datasets.examination.lines_seen import lines_seen
from shared.datasets.examination.profile import Profile
from shared.datasets.findings import Finding
from shared.datasets.kinds import HEAD_BYTES, TextFile, kind_of, open_source
from shared.datasets.limits import DatasetLimits
from shared.datasets.lines import numbered_lines
from shared.datasets.normalise import Reading, normalise
from shared.datasets.source import Problem, Unreadable
from shared.datasets.table_kind import SIGNS, TableKind
from shared.datasets.texts import Row

if TYPE_CHECKING:
    from shared.schemas.fields import RowFormat


def main(arguments: Sequence[str]) -> object:
    """Arguments: one JSON object with parts (source, file_name), format, columns and limits.

    The second part is validation rows of the first. Answers a list of what each part is.
    """
    order = json.loads(arguments[0])
    limits = DatasetLimits(**order["limits"])
    row_format, answers = order["format"], []
    learned: Profile | None = None
    for part in order["parts"]:
        examiner = _Examiner(part, order["columns"], limits, learned)
        answers.append(examiner.answer(row_format, follows=row_format != order["format"]))
        learned = learned or examiner.profile
        row_format = examiner.reading.format or row_format
    return answers


class _Examiner:
    """Of one file or folder; `learned` is the training rows' profile where these are validation rows."""

    def __init__(
        self,
        part: Mapping[str, str],
        columns: Mapping[str, str],
        limits: DatasetLimits,
        learned: Profile | None,
    ) -> None:
        self.reading = Reading()
        self.profile: Profile | None = None
        self._path, self._name = Path(part["source"]), part["file_name"]
        self._columns, self._limits, self._learned = columns, limits, learned
        self._unit = "line"

    def answer(self, format: RowFormat, *, follows: bool) -> dict[str, Any]:
        told: list[Finding] = []
        try:
            with open_source(self._path, self._name, self._columns, self._limits) as source:
                self._unit, told = source.unit, source.told
                normalise(
                    source,
                    format,
                    self._columns,
                    self._limits,
                    None,
                    self.reading,
                    measured=self._learned is not None,
                    follows=follows,
                    look=self._look,
                )
        except Unreadable as error:
            self.reading.unreadable = error.said
            self.reading.findings = self.reading.findings or told
        noted = list(self.profile.findings()) if self.profile else []
        if self._ended_early():
            noted = [one for one in noted if one.id != "few_rows"]
        return {
            "reading": asdict(self.reading),
            "unit": self._unit,
            "kind": self._kind(),
            "profile": self.profile.summary() if self.profile else None,
            "noted": [asdict(one) for one in noted],
            "has_utf8_letters": self._has_utf8_letters(),
            "seen": self._seen([*self.reading.findings, *noted]),
        }

    def _look(self, number: int, row: Row, line: str) -> None:
        if self.profile is None:
            assert self.reading.format is not None
            self.profile = Profile(self.reading.format, self._unit, self._limits.rows_compared, self._learned)
        self.profile.look(number, row, line)

    def _ended_early(self) -> bool:
        """Whether the file may have more rows than could be read."""
        causes = {cause.said.message_id for cause in self.reading.causes}
        return bool(self.reading.unreadable or causes & {"reading-ends", "quote-never-closed"})

    def _has_utf8_letters(self) -> bool:
        """Where lines are not UTF-8: whether others have letters that are, which a conversion would spoil."""
        if all(cause.said.message_id != "line-not-utf-8" for cause in self.reading.causes):
            return False
        with self._path.open("rb") as stream:
            lines = numbered_lines(stream, self._limits.line_bytes)
            return any(not isinstance(line, Problem) and not line[1].isascii() for line in lines)

    def _kind(self) -> dict[str, str | None]:
        """What kind of file it is: its notation, encoding and the sign between cells."""
        found = self._text_file()
        if not isinstance(found, TextFile):
            return {"notation": found, "encoding": None, "separator": None}
        if isinstance(found.kind, TableKind):
            notation = "tsv" if found.kind.delimiter == "\t" else "csv"
            separator: str | None = SIGNS[found.kind.delimiter]
        else:
            notation, separator = ("json_lines" if found.kind.is_lines else "json"), None
        return {"notation": notation, "encoding": found.encoding or "utf-8", "separator": separator}

    def _text_file(self) -> TextFile | str | None:
        """None for a kind that can't be read."""
        if self._path.is_dir():
            return "arrow"
        with self._path.open("rb") as stream:
            try:
                return kind_of(stream.read(HEAD_BYTES), self._name, self._columns)
            except Unreadable:
                return None

    def _seen(self, found: Iterable[Any]) -> dict[int, str]:
        """What the first line of each fault and of each finding has, where the file has lines."""
        file = self._text_file()
        if self._unit != "line" or not isinstance(file, TextFile):
            return {}
        places = {cause.number: cause.said.values.get("place") for cause in self.reading.causes}
        for one in found:
            for number in one.lines[:1]:
                places.setdefault(number, None)
        return lines_seen(self._path, file, places)
