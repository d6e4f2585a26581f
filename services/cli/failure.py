"""Why a command could not do what it was asked, for the person at the terminal."""

from shared.errors import FieldError
from shared.messages.message import Message, say
from shared.messages.render import told


class CommandFailed(Exception):
    """Ends a command with exit status 1: `said` is what is wrong, `advice` what to do about it.

    What the service said is a text, in the reader's language already.
    """

    code = "failed"

    def __init__(
        self, said: str | Message, advice: str | Message = "", *, errors: tuple[FieldError, ...] = ()
    ) -> None:
        super().__init__(said)
        self.said = said
        self.advice = advice
        self.errors = errors

    def __str__(self) -> str:
        return self.message

    @property
    def message(self) -> str:
        """What is wrong, in the reader's language."""
        return told(self.said)

    @property
    def remedy(self) -> str:
        """What to do, in the reader's language."""
        return told(self.advice)

    def lines(self) -> list[str]:
        """The message, one line for each thing wrong that it does not name, the remedy."""
        details = [
            f"  {error.message}" if error.path in error.message else f"  {error.path}: {error.message}"
            for error in self.errors
            if error.message not in self.message
        ]
        return [self.message, *details, *([self.remedy] if self.remedy else [])]

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

    def __init__(
        self, status: int, code: str, said: str | Message, *, errors: tuple[FieldError, ...] = ()
    ) -> None:
        advice = say("give-key-of-service") if code == "invalid_api_key" else ""
        super().__init__(said, advice, errors=errors)
        self.status = status
        self.code = code
