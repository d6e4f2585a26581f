"""Why a command could not do what it was asked, in words for the person at the terminal."""

import re

from shared.errors import FieldError
from shared.messages.message import Message
from shared.messages.render import told

OF_ANOTHER_KEY = (
    "Give the key of that service with --key or TUNEDOCK_API_KEY; where it runs, ./tunedock key prints it."
)
_PLAIN_WORD = re.compile(r"[a-z][a-z']*(?=[ ,])")
_NO_PERIOD_AFTER = re.compile(r"(?:[.!?:…。！？]|(?:^|: )\S*(?:tunedock|docker|http)\b.*)$")


def sentence(text: str) -> str:
    """`text` with a capital and a period; none after a command, an address or a list: they are copied."""
    begun = text[:1].upper() + text[1:] if _PLAIN_WORD.match(text) else text
    return begun if not begun or "\n" in begun or _NO_PERIOD_AFTER.search(begun) else f"{begun}."


class CommandFailed(Exception):
    """Ends a command with exit status 1: what is wrong, and what to do about it, in the reader's language."""

    code = "failed"

    def __init__(
        self, message: str | Message, remedy: str | Message = "", *, errors: tuple[FieldError, ...] = ()
    ) -> None:
        super().__init__(told(message))
        self.message = told(message)
        self.remedy = told(remedy)
        self.errors = errors

    def lines(self) -> list[str]:
        """The message, one line for each thing wrong that it does not name, the remedy."""
        details = [
            f"  {error.message}" if error.path in error.message else f"  {error.path}: {error.message}"
            for error in self.errors
            if error.message not in self.message
        ]
        return [sentence(self.message), *details, *([sentence(self.remedy)] if self.remedy else [])]

    def as_json(self) -> dict[str, object]:
        """The same for machines."""
        return {
            "error": {
                "code": self.code,
                "message": self.message,
                "remedy": self.remedy,
                "errors": [{"path": error.path, "message": error.message} for error in self.errors],
            }
        }


class UsageError(CommandFailed):
    """The command was called wrongly: exit status 2."""

    code = "usage"


class ServerUnreachable(CommandFailed):
    """Nothing answers at the API's address."""

    code = "server_unreachable"


class RequestRefused(CommandFailed):
    """The API answered with a refusal; `status` is the HTTP status, `code` the problem's own."""

    def __init__(self, status: int, code: str, message: str, *, errors: tuple[FieldError, ...] = ()) -> None:
        super().__init__(message, OF_ANOTHER_KEY if code == "invalid_api_key" else "", errors=errors)
        self.status = status
        self.code = code
