"""Sees letters that a wrong encoding lost or mixed up before a file came here."""

from __future__ import annotations

import re

LOST = "\ufffd"  # what programs write where they can't read a letter
# What Windows-1252 makes of the bytes 80 to BF that follow a letter's first byte in UTF-8.
_FOLLOWING = "\u0080-\u00bf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ"
_MIXED = re.compile(f"[à-ï][{_FOLLOWING}]{{2}}|Ã[{_FOLLOWING}]")
_LEAST_MIXED = 2  # one may be an accented letter before closing quotes


def is_damaged(text: str) -> bool:
    """Whether letters are lost, or UTF-8 was read as Latin-1 or Windows-1252 and saved again."""
    if text.isascii():
        return False
    if LOST in text:
        return True
    found = sum(_is_utf8(match[0]) for match in _MIXED.finditer(text))
    return found >= _LEAST_MIXED


def _is_utf8(letters: str) -> bool:
    try:
        return len(b"".join(map(_byte, letters)).decode("utf-8")) == 1
    except UnicodeError:
        return False


def _byte(letter: str) -> bytes:
    return letter.encode("latin-1" if ord(letter) < 256 else "cp1252")
