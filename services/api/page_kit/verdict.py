"""What a page says first: one headline, and further sentences with the question each answers."""

import re
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Verdict:
    """`more`: (question, answer)."""

    headline: str
    more: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, headline: str, more: Iterable[tuple[str, str]]) -> "Verdict":
        """With numbers and their units kept on one line."""
        return cls(_tied(headline), tuple((question, _tied(answer)) for question, answer in more))


def sentence(text: str) -> str:
    """With a capital letter and an end."""
    text = text.strip()
    return f"{text[:1].upper()}{text[1:]}" + ("" if text.endswith((".", "!", "?")) else ".")


def _tied(text: str) -> str:
    """No line ends between a number and its unit."""
    return re.sub(r"(?<=\d) (?=(?:m?s|min|h|days|bytes|[kMG]B(?:/s)?|[TGM]FLOP/s)\b)", "\u00a0", text)
