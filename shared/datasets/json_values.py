"""Reads JSON that is not one object a line: an array, objects over several lines, a list inside an object.

Only one object at a time is in memory, so an array of any length is read like lines; rows are numbered.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from typing import BinaryIO

from shared.datasets.encoding import bad_byte
from shared.datasets.findings import Finding
from shared.datasets.jsonl import Refused, checked_object, decoder, parser_fault
from shared.datasets.limits import DatasetLimits
from shared.datasets.source import Problem, Record, Source, Unreadable
from shared.messages.said import Said, say

CHUNK_BYTES = 1024**2
WRAPPERS = ("data", "rows", "train", "examples", "items", "records", "instances", "samples", "dataset")
_SPACE = re.compile(r"[\s\ufeff]*")
_LIST_INSIDE = re.compile(
    r'[\s\ufeff]*\{(?:\s*"[^"\\]{1,80}"\s*:\s*(?:"[^"\\]*"|[-\w.+]+)\s*,)*?\s*"([^"\\]{1,80})"\s*:\s*\['
)


def list_inside(head: str) -> str | None:
    """The name under which an object keeps its rows, if `head` begins with such an object."""
    found = _LIST_INSIDE.match(head)
    return found[1] if found and found[1].lower() in WRAPPERS else None


def open_json_values(stream: BinaryIO, limits: DatasetLimits, *, inside: str | None) -> Source:
    """The objects of an array, or of the list called `inside` in an object, or one after the other."""
    told: list[Finding] = []
    return Source("row", None, _records(_Text(stream, limits.line_bytes), limits, inside, told), told=told)


def _records(
    text: _Text, limits: DatasetLimits, inside: str | None, told: list[Finding]
) -> Iterator[Record | Problem]:
    is_list = _enter(text, inside)
    number, odd_commas, first_odd = 0, 0, (0, 0)
    end = "none" if not is_list else "]" if inside is None else "]}"
    while True:
        commas = text.skip_commas()
        at_end = is_list and text.here() == "]"
        if commas > 1 or (is_list and commas != int(number > 0 and not at_end)):
            first_odd = first_odd if odd_commas else (number, text.line())
            odd_commas += 1
        if at_end or not text.here():
            break
        number += 1
        try:
            value = text.value()
        except (ValueError, RecursionError) as error:
            fault = _fault(error, text, limits, end)
            yield Problem(number, say("reading-ends", fault=fault, line=text.line()))
            return
        yield checked_object(number, value, limits.depth)
    if is_list and not at_end:
        raise Unreadable(say("list-cut-off", rows=number, end=end))
    if odd_commas:
        row, line = first_odd
        told.append(Finding("json_commas", say("commas-odd", places=odd_commas, row=row, line=line), 0))
    if is_list:
        yield from _end(text, number, inside, told)


def _enter(text: _Text, inside: str | None) -> bool:
    """Step into the list of rows, if there is one around them."""
    text.skip(_SPACE)
    if inside is not None:
        found = _LIST_INSIDE.match(text.ahead())
        if not found:
            raise Unreadable(say("list-not-found"))
        text.step(found.end())
        return True
    if text.here() == "[":
        text.step(1)
        return True
    return False


def _end(text: _Text, number: int, inside: str | None, told: list[Finding]) -> Iterator[Problem]:
    text.step(1)
    text.skip(_SPACE)
    if inside is None and text.here():
        yield Problem(number + 1, say("row-after-list", line=text.line()))
    elif inside is not None and text.here() != "}":
        told.append(Finding("rest_unread", say("rest-not-read", list=inside), 0))


def _fault(error: Exception, text: _Text, limits: DatasetLimits, end: str) -> Said:
    if isinstance(error, RecursionError):
        return say("nested-too-deep", most=limits.depth)
    if isinstance(error, Refused):
        return error.said
    if not isinstance(error, json.JSONDecodeError):
        return say("number-too-long")
    if text.is_beyond(error.pos) or error.msg.startswith("Unterminated string"):
        return say("row-cut-off", end=end) if text.has_ended else say("row-too-long", most=limits.line_bytes)
    line, place = text.place_of(error.pos)
    return say("no-json", fault=parser_fault(error), place=place, line=line)


class _Text:
    """A stream's text, of which at least `longest` characters, or all that are left, are in memory."""

    def __init__(self, stream: BinaryIO, longest: int) -> None:
        self._stream, self._longest = stream, longest
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")()
        self._buffer, self._at, self.has_ended = "", 0, False
        self._lines, self._before = 1, 0  # that the buffer begins in; characters of it before the buffer
        self._fill()

    def here(self) -> str:
        return self._buffer[self._at : self._at + 1]

    def is_beyond(self, place: int) -> bool:
        """Whether a place in the buffer is at its end."""
        return place >= len(self._buffer) - 1

    def ahead(self) -> str:
        return self._buffer[self._at :]

    def line(self) -> int:
        return self.place_of(self._at)[0]

    def place_of(self, index: int) -> tuple[int, int]:
        """The line and the character in it, from 1, of a place in the buffer."""
        line_end = self._buffer.rfind("\n", 0, index)
        before = self._before if line_end < 0 else 0
        return self._lines + self._buffer.count("\n", 0, index), before + index - line_end

    def step(self, count: int) -> None:
        self._at += count
        self._fill()

    def skip(self, what: re.Pattern[str]) -> bool:
        """Go past what matches, however long it is; False at the end of the text."""
        while (found := what.match(self._buffer, self._at)) and found.end() > self._at:
            self.step(found.end() - self._at)
        return self._at < len(self._buffer)

    def skip_commas(self) -> int:
        """Go past white space and commas; how many commas there were."""
        commas = 0
        while self.skip(_SPACE) and self.here() == ",":
            self.step(1)
            commas += 1
        return commas

    def value(self) -> object:
        """The JSON value here; the place is then behind it. Raises ValueError, Refused, RecursionError."""
        value, end = decoder.raw_decode(self._buffer, self._at)
        self.step(end - self._at)
        return value

    def _fill(self) -> None:
        if self.has_ended or len(self._buffer) - self._at > self._longest:
            return
        line, place = self.place_of(self._at)
        self._lines, self._before = line, place - 1
        parts, length = [self._buffer[self._at :]], len(self._buffer) - self._at
        self._at = 0
        while not self.has_ended and length <= self._longest + CHUNK_BYTES:
            chunk = self._stream.read(CHUNK_BYTES)
            self.has_ended = not chunk
            try:
                parts.append(self._decoder.decode(chunk, final=self.has_ended))
            except UnicodeDecodeError as error:
                before = sum(part.count("\n") for part in parts) + error.object.count(b"\n", 0, error.start)
                bad = say("bad-byte-piece", line=self._lines + before, byte=bad_byte(error))
                raise Unreadable(say("not-utf-8-everywhere", place=bad), say("save-all-as-utf-8")) from error
            length += len(parts[-1])
        self._buffer = "".join(parts)
