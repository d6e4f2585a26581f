"""Reads JSON that is not one object a line: an array, objects over several lines, a list inside an object.

Only one object at a time is in memory, so an array of any length is read like lines; rows are numbered.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from typing import BinaryIO

from shared.datasets.findings import Finding
from shared.datasets.jsonl import Refused, checked_object, decoder, parser_words
from shared.datasets.limits import DatasetLimits
from shared.datasets.source import Problem, Record, Source, Unreadable
from shared.messages.said import Said, say

CHUNK_BYTES = 1024**2
WRAPPERS = ("data", "rows", "train", "examples", "items", "records", "instances", "samples", "dataset")
_SPACE = re.compile(r"[\s,\ufeff]*")
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
    number = 0
    while text.skip(_SPACE):
        if is_list and text.here() == "]":
            yield from _end(text, number, inside, told)
            return
        number += 1
        try:
            value = text.value()
        except (ValueError, RecursionError) as error:
            fault = _fault(error, text, limits)
            yield Problem(number, say("reading-ends", fault=fault, line=text.line()))
            return
        yield checked_object(number, value, limits.depth)
    if is_list:
        yield Problem(number + 1, say("list-cut-off", end="]" if inside is None else "]}"))


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


def _fault(error: Exception, text: _Text, limits: DatasetLimits) -> Said:
    if isinstance(error, RecursionError):
        return say("nested-too-deep", most=limits.depth)
    if isinstance(error, Refused):
        return error.said
    if not isinstance(error, json.JSONDecodeError):
        return say("number-too-long")
    if text.is_beyond(error.pos):
        return say("row-too-long-or-cut-off", most=limits.line_bytes)
    return say("no-json", error=parser_words(error))


class _Text:
    """A stream's text, of which at least `longest` characters, or all that are left, are in memory."""

    def __init__(self, stream: BinaryIO, longest: int) -> None:
        self._stream, self._longest = stream, longest
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")()
        self._buffer, self._at, self._lines, self._ended = "", 0, 1, False
        self._fill()

    def here(self) -> str:
        return self._buffer[self._at : self._at + 1]

    def is_beyond(self, place: int) -> bool:
        """Whether a place in the buffer is at its end."""
        return place >= len(self._buffer) - 1

    def ahead(self) -> str:
        return self._buffer[self._at :]

    def line(self) -> int:
        return self._lines + self._buffer.count("\n", 0, self._at)

    def step(self, count: int) -> None:
        self._at += count
        self._fill()

    def skip(self, what: re.Pattern[str]) -> bool:
        """Go past what matches, however long it is; False at the end of the text."""
        while (found := what.match(self._buffer, self._at)) and found.end() > self._at:
            self.step(found.end() - self._at)
        return self._at < len(self._buffer)

    def value(self) -> object:
        """The JSON value here; the place is then behind it. Raises ValueError, Refused, RecursionError."""
        value, end = decoder.raw_decode(self._buffer, self._at)
        self.step(end - self._at)
        return value

    def _fill(self) -> None:
        if self._ended or len(self._buffer) - self._at > self._longest:
            return
        self._lines += self._buffer.count("\n", 0, self._at)
        parts, length = [self._buffer[self._at :]], len(self._buffer) - self._at
        self._at = 0
        while not self._ended and length <= self._longest + CHUNK_BYTES:
            chunk = self._stream.read(CHUNK_BYTES)
            self._ended = not chunk
            try:
                parts.append(self._decoder.decode(chunk, final=self._ended))
            except UnicodeDecodeError as error:
                raise Unreadable(say("not-utf-8-everywhere", error=error.reason)) from error
            length += len(parts[-1])
        self._buffer = "".join(parts)
