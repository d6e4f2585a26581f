"""A row taken apart: what the model is given, and what it is to answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from shared.schemas.fields import RowFormat

# Quotes within a text are escaped, so these stand in a normalised line only where its fields meet.
_BORDERS: dict[str, str] = {
    "chat": '{"role": "assistant", ',
    "prompt_completion": '", "completion": "',
    "classification": '", "label": "',
}


@dataclass(frozen=True, slots=True)
class QuestionAndAnswer:
    """`texts` are all of the row's; `question` is the text right before the answer. A plain text has no
    answer.
    """

    texts: list[str]
    question: str
    answer: str
    has_system: bool = False


def taken_apart(row: dict[str, Any], format: RowFormat) -> QuestionAndAnswer:
    """A normalised row; of a conversation the last answer."""
    match format:
        case "chat":
            messages = row["messages"]
            texts = [message["content"] for message in messages]
            last = max(at for at, message in enumerate(messages) if message["role"] == "assistant")
            question = texts[last - 1] if last else ""
            return QuestionAndAnswer(texts, question, texts[last], messages[0]["role"] == "system")
        case "prompt_completion":
            return QuestionAndAnswer([row["prompt"], row["completion"]], row["prompt"], row["completion"])
        case "classification":
            return QuestionAndAnswer([row["text"]], row["text"], row["label"])
    return QuestionAndAnswer([row["text"]], row["text"], "")


def halves(line: str, format: RowFormat) -> tuple[str, str]:
    """A normalised line up to the answer, all earlier turns included, and the rest; a text is whole."""
    border = _BORDERS.get(format)
    place = line.rfind(border) if border else -1
    return (line, "") if place < 0 else (line[:place], line[place:])
