"""In what encoding a text file is, and that file as UTF-8."""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, BinaryIO

from shared.datasets.source import Unreadable
from shared.messages.said import Said, say

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

CHUNK_BYTES = 65_536
LEAST_ZEROS = 8  # a plain letter in UTF-16 is half zero bytes: one byte in so many is zero, at least
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_WIDE = (("utf-32-le", 4), ("utf-32-be", 4), ("utf-16-le", 2), ("utf-16-be", 2))


def wide_encoding(head: bytes) -> str | None:
    """UTF-16 or UTF-32, by its mark or by the zero bytes that plain letters have there; None for others."""
    for mark, name in _MARKS:
        if head.startswith(mark):
            return name
    if b"\x00" not in head or _is_utf8_with_zeros(head):
        return None
    return next((name for name, width in _WIDE if _decodes(head, name, width)), None)


def foreign_encoding(head: bytes) -> Said | None:
    """What to say of a text that is not UTF-8 for the most part: which encoding it seems to be in.

    None for UTF-8 and for ASCII; a few bad bytes in good UTF-8 are the line's matter.
    """
    if _decoded(head, "utf-8") is not None:
        return None
    letters = [sign for sign in head.decode("utf-8", "replace") if not sign.isascii()]
    if letters.count("\ufffd") * 2 <= len(letters):
        return None
    if found := likely_encoding(head):
        name, told = found
        return say("looks-like-encoding", looks=told, name=name.upper())
    return say("encoding-unknown")


def likely_encoding(text: bytes) -> tuple[str, Said] | None:
    """What a text that is not UTF-8 seems to be in: its name for programs, and a sentence on it."""
    for name, told, test in _FOREIGN:
        if (decoded := _decoded(text, name)) is not None and test(text, decoded):
            return name, told
    return None


def bad_byte(error: UnicodeDecodeError) -> str:
    """The byte that begins no letter of UTF-8, as programmers write it: `0xE9`."""
    return f"0x{error.object[error.start]:02X}"


class Utf8Stream(io.RawIOBase):
    """A text stream in another encoding, or with line ends CR alone, read as UTF-8 with LF."""

    def __init__(self, stream: BinaryIO, encoding: str, *, cr_ends_lines: bool = False) -> None:
        self._stream = stream
        self._name = encoding.upper()
        self._decoder = codecs.getincrementaldecoder(encoding)()
        self._cr_ends_lines = cr_ends_lines
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer).cast("B")
        while not self._rest:
            chunk = self._stream.read(CHUNK_BYTES)
            try:
                text = self._decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                raise Unreadable(say("encoding-broken", encoding=self._name, error=error.reason)) from error
            self._rest = text.replace("\r", "\n").encode() if self._cr_ends_lines else text.encode()
            if not chunk and not self._rest:
                return 0
        part = self._rest[: len(view)]
        view[: len(part)] = part
        self._rest = self._rest[len(part) :]
        return len(part)


def as_utf8(stream: BinaryIO, encoding: str, *, cr_ends_lines: bool = False) -> BinaryIO:
    """`stream` as a buffered stream of UTF-8; what can't be decoded raises Unreadable at its place."""
    return io.BufferedReader(Utf8Stream(stream, encoding, cr_ends_lines=cr_ends_lines), CHUNK_BYTES)


def _is_utf8_with_zeros(head: bytes) -> bool:
    """Whether zero bytes are too few for wide letters: then they are faults in a text that is UTF-8."""
    return head.count(0) * LEAST_ZEROS < len(head) and _decoded(head, "utf-8") is not None


def _decodes(head: bytes, name: str, width: int) -> bool:
    """Whether the head is plausible text in this encoding: no zero letter, no control sign, a line end."""
    whole = head[: len(head) // width * width]
    text = _decoded(whole, name)
    if not text or "\x00" in text:
        return False
    plain = sum(sign.isascii() for sign in text)
    odd = sum(ord(sign) < 32 and sign not in "\t\r\n" for sign in text)
    return plain > 0 and odd == 0 and ("\n" in text or "\r" in text or len(head) < CHUNK_BYTES)


def _decoded(head: bytes, name: str) -> str | None:
    """None where it is not in this encoding; the last letter may be cut off."""
    decoder = codecs.getincrementaldecoder(name)()
    try:
        return decoder.decode(head)
    except (UnicodeDecodeError, ValueError):
        return None


def _is_korean(head: bytes, text: str) -> bool:
    """Syllables of KS X 1001 alone, which other writings read as Korean hit only in part."""
    return _share(text, lambda sign: "가" <= sign <= "힣" and _is_common(sign), 0.85)


def _is_japanese(head: bytes, text: str) -> bool:
    return _share(text, lambda sign: "ぁ" <= sign <= "ヿ")


def _is_chinese(head: bytes, text: str) -> bool:
    return _share(text, lambda sign: "一" <= sign <= "鿿")


def _is_cyrillic(head: bytes, text: str) -> bool:
    """Its letters alone are high bytes, all from C0 on, in words."""
    high = [byte for byte in head if byte >= 0x80]
    return sum(byte >= 0xC0 for byte in high) > 0.95 * len(high) and not _is_western(head, text)


def _is_western(head: bytes, text: str) -> bool:
    """Letters with accents stand alone among plain ones."""
    runs = re.findall(rb"[\x80-\xff]+", head)
    return sum(len(run) == 1 for run in runs) > 0.7 * len(runs)


def _share(text: str, test: Callable[[str], bool], wanted: float = 0.5) -> bool:
    """Whether more letters than `wanted` of those that are not ASCII pass."""
    others = [sign for sign in text if not sign.isascii()]
    return sum(map(test, others)) > wanted * len(others)


def _is_common(syllable: str) -> bool:
    return len(syllable.encode("euc_kr")) == 2  # the others are written as eight bytes


_FOREIGN: tuple[tuple[str, Said, Callable[[bytes, str], bool]], ...] = (
    ("cp949", say("looks-like-cp949"), _is_korean),
    ("cp1252", say("looks-like-cp1252"), _is_western),
    ("cp932", say("looks-like-cp932"), _is_japanese),
    ("cp1251", say("looks-like-cp1251"), _is_cyrillic),
    ("gb18030", say("looks-like-gb18030"), _is_chinese),
)
