"""Some lines of a text file as they stand in it, cut short."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count
from pathlib import Path
from typing import BinaryIO

from shared.datasets.encoding import as_utf8
from shared.datasets.excerpts import shortened
from shared.datasets.kinds import TextFile
from shared.datasets.source import Unreadable

_LONGEST_BYTES = 65_536  # of a line; what follows is skipped


def lines_seen(path: Path, file: TextFile, places: Mapping[int, object]) -> dict[int, str]:
    """The lines whose numbers are the keys of `places`, around the character (or byte) that is the value."""
    seen: dict[int, str] = {}
    last = max(places, default=0)
    with path.open("rb") as raw:
        stream: BinaryIO = raw
        if file.encoding or file.cr_ends_lines:
            stream = as_utf8(raw, file.encoding or "utf-8", cr_ends_lines=file.cr_ends_lines)
        for number in count(1):
            if number > last:
                break
            try:
                line = _next_line(stream)
            except Unreadable:  # the encoding breaks off here
                break
            if not line:
                break
            if number in places:
                place = places[number]
                text = line.decode("utf-8", "backslashreplace").strip("\ufeff").rstrip("\r\n")
                seen[number] = shortened(text, place - 1 if isinstance(place, int) else 0)
    return seen


def _next_line(stream: BinaryIO) -> bytes:
    line = stream.readline(_LONGEST_BYTES)
    rest = line
    while rest and not rest.endswith(b"\n"):
        rest = stream.readline(_LONGEST_BYTES)
    return line
