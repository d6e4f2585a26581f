"""Lines of a text file, decoded strictly and never held longer than allowed."""

from collections.abc import Iterator
from typing import BinaryIO

from shared.datasets.encoding import bad_byte, likely_encoding
from shared.datasets.source import Problem
from shared.messages.said import Said, say

UTF8_MARK = b"\xef\xbb\xbf"


def numbered_lines(stream: BinaryIO, longest_bytes: int) -> Iterator[tuple[int, str] | Problem]:
    """Yield (number from 1, text with its line end) of each line, without a byte order mark.

    A line that is too long or not UTF-8 comes as a `Problem`; reading goes on after it.
    """
    number = 0
    while line := stream.readline(longest_bytes + 1):
        number += 1
        if len(line) > longest_bytes and not line.endswith(b"\n"):
            _skip_line(stream)
            yield Problem(number, say("line-too-long", most=longest_bytes))
            continue
        if number == 1:
            line = line.removeprefix(UTF8_MARK)
        try:
            yield number, line.decode("utf-8")
        except UnicodeDecodeError as error:
            yield Problem(number, _not_utf_8(line, error))


def _not_utf_8(line: bytes, error: UnicodeDecodeError) -> Said:
    found = likely_encoding(line)
    encoding = found[0].upper() if found else "none"
    return say("line-not-utf-8", place=error.start + 1, byte=bad_byte(error), encoding=encoding)


def _skip_line(stream: BinaryIO) -> None:
    while (rest := stream.readline(65_536)) and not rest.endswith(b"\n"):
        pass
