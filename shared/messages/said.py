"""A message as a sandboxed reader says it: without pydantic, whose import takes longer than many a file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Union

if TYPE_CHECKING:
    from shared.messages.message import Message

Value = Union[bool, int, float, str, None, "Said", list["str | Said"]]


@dataclass(frozen=True)
class Said:
    """As `Message`, which it becomes outside the sandbox; `dataclasses.asdict` makes JSON of it."""

    message_id: str
    values: dict[str, Value]

    @property
    def message(self) -> Message:
        from shared.messages.message import Message

        return Message.model_validate(asdict(self))

    def __str__(self) -> str:
        """In English: for logs and tests."""
        from shared.messages.render import render

        return render(self.message)


def say(message_id: str, **values: bool | int | float | str | Said | Sequence[str | Said] | None) -> Said:
    """The message `message_id` of the files with its values."""
    return Said(message_id, {name: _plain(value) for name, value in values.items()})


def _plain(value: bool | int | float | str | Said | Sequence[str | Said] | None) -> Value:
    return value if value is None or isinstance(value, str | int | float | Said) else list(value)
