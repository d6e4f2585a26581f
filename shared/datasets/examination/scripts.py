"""The scripts that a text is written in: a hint at its language, by the letters alone."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping
from functools import lru_cache
from typing import Literal, get_args

Script = Literal[
    "latin", "hangul", "han", "kana", "cyrillic", "greek", "arabic", "hebrew", "devanagari", "thai", "other"
]
SCRIPTS: tuple[Script, ...] = get_args(Script)

# Where blocks of Unicode begin that hold letters of one script; "" is none of its letters.
_BLOCKS: tuple[tuple[int, Script | Literal[""]], ...] = (
    (0x0000, ""), (0x0041, "latin"), (0x005B, ""), (0x0061, "latin"), (0x007B, ""), (0x00AA, "latin"),
    (0x00AB, ""), (0x00BA, "latin"), (0x00BB, ""), (0x00C0, "latin"), (0x0300, ""), (0x0370, "greek"),
    (0x0400, "cyrillic"), (0x0530, "other"), (0x0590, "hebrew"), (0x0600, "arabic"), (0x0780, "other"),
    (0x0900, "devanagari"), (0x0980, "other"), (0x0E00, "thai"), (0x0E80, "other"), (0x1100, "hangul"),
    (0x1200, "other"), (0x1C80, "cyrillic"), (0x1C90, "other"), (0x1D00, "latin"), (0x1D2B, "other"),
    (0x1E00, "latin"), (0x1F00, "greek"), (0x2000, ""), (0x2C00, "other"), (0x2C60, "latin"),
    (0x2C80, "other"), (0x2E00, ""), (0x2E80, "han"), (0x3000, ""), (0x3040, "kana"), (0x3100, "other"),
    (0x3130, "hangul"), (0x3190, ""), (0x31F0, "kana"), (0x3200, ""), (0x3400, "han"), (0x4DC0, ""),
    (0x4E00, "han"), (0xA000, "other"), (0xA640, "cyrillic"), (0xA6A0, "other"), (0xA960, "hangul"),
    (0xA980, "other"), (0xAC00, "hangul"), (0xD800, ""), (0xF900, "han"), (0xFB00, "latin"),
    (0xFB13, "other"), (0xFB1D, "hebrew"), (0xFB50, "arabic"), (0xFE00, ""), (0xFE70, "arabic"),
    (0xFEFF, ""), (0xFF21, "latin"), (0xFF3B, ""), (0xFF41, "latin"), (0xFF5B, ""), (0xFF66, "kana"),
    (0xFFA0, "hangul"), (0xFFDD, ""), (0x10000, "other"), (0x1D000, ""), (0x1E900, "other"), (0x1EC70, ""),
    (0x20000, "han"), (0x323B0, ""),
)  # fmt: skip
_STARTS = [start for start, _ in _BLOCKS]


@lru_cache(maxsize=65_536)
def script_of(sign: str) -> Script | None:
    """The script of a letter; None for digits, signs, spaces and pictures, which all scripts share."""
    return _BLOCKS[bisect_right(_STARTS, ord(sign)) - 1][1] or None


def scripts_in(text: str) -> Counter[Script]:
    """How many letters of each script there are."""
    return by_script(Counter(text))


def by_script(signs: Mapping[str, int]) -> Counter[Script]:
    """Counted characters by script, without those that belong to none."""
    found: Counter[Script] = Counter()
    for sign, count in signs.items():
        if script := script_of(sign):
            found[script] += count
    return found


def main_script(text: str) -> Script | None:
    """The script of most of its letters; None without a letter."""
    found = scripts_in(text)
    return found.most_common(1)[0][0] if found else None
