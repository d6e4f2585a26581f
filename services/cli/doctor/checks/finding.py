"""What a check found: a status, the value seen and, where somebody must act, what to do."""

from typing import Literal

from shared.messages.message import Message, say
from shared.schemas.frozen import Frozen

Status = Literal["ok", "warning", "error", "unknown"]


class Finding(Frozen):
    """One line of the doctor's report; `unknown` means that nobody can tell from here.

    What a service or a program said of itself is a text.
    """

    id: str
    status: Status
    message: str | Message
    remedy: Message | None = None


def ok(id: str, message: str | Message) -> Finding:
    return Finding(id=id, status="ok", message=message)


def warning(id: str, message: str | Message, *remedies: Message) -> Finding:
    return Finding(id=id, status="warning", message=message, remedy=together(*remedies))


def error(id: str, message: str | Message, *remedies: Message) -> Finding:
    return Finding(id=id, status="error", message=message, remedy=together(*remedies))


def unknown(id: str, message: str | Message, *remedies: Message) -> Finding:
    return Finding(id=id, status="unknown", message=message, remedy=together(*remedies) if remedies else None)


def together(*sentences: str | Message) -> Message:
    """Sentences one after the other."""
    match sentences:
        case (Message() as one,):
            return one
    return say("sentences", sentences=sentences)


def windows_step(number: int) -> Message:
    """Where docs/windows.md says how."""
    return say("windows-step", step=str(number))
