"""How the command talks with the API: requests are sent with a key, and what goes wrong is said plainly."""

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from operator import itemgetter
from pathlib import Path
from typing import Any

import httpx

from services.cli.address import is_loopback
from services.cli.failure import CommandFailed, RequestRefused, ServerUnreachable
from shared.errors import FieldError
from shared.messages.message import Message, say
from shared.messages.render import reader

REQUEST_SECONDS = 30.0
JOBS_THERE_ARE = say("list-jobs-row")

Advance = Callable[[int], None]


class Connection:
    """Sends to the API at `url` with `key`, of which `key_told` says which it is and where it came from.

    Every call may raise `ServerUnreachable` or `RequestRefused`; arguments are those of httpx.
    """

    def __init__(self, url: str, key: str, key_told: Message | None = None) -> None:
        self.url = url
        self._key_told = key_told
        self._http = httpx.Client(
            base_url=url,
            headers={"Authorization": f"Bearer {key}", "Accept-Language": reader()},
            timeout=REQUEST_SECONDS,
            trust_env=not is_loopback(url),
        )

    def close(self) -> None:
        self._http.close()

    def ask(self, method: str, path: str, **arguments: Any) -> dict[str, Any]:
        """The answer's JSON object; raises `CommandFailed` where it is none."""
        answer = self.send(method, path, **arguments)
        try:
            value = answer.json()
        except ValueError:
            value = None
        if not isinstance(value, dict):
            raise CommandFailed(
                say("answer-is-no-object", address=self.url + path, begins=repr(answer.text[:100])),
                say("check-address-is-tunedock"),
            )
        return value

    def send(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        """A request with its whole answer."""
        with self._plain_errors():
            answer = self._http.request(method, path, **arguments)
        if answer.status_code >= 300:
            raise self._refusal(answer)
        return answer

    def upload(self, path: str, file_path: Path, advance: Advance, **arguments: Any) -> dict[str, Any]:
        """Send a file; `advance` is told the bytes of each piece on its way."""
        with CountedFile(file_path, advance) as file:
            return self.ask("POST", path, files={"file": (file_path.name, file)}, **arguments)

    @contextmanager
    def stream(self, path: str, **arguments: Any) -> Iterator[httpx.Response]:
        """An answer whose body is still to be read; reading it may raise `ServerUnreachable`, too."""
        with self._plain_errors(), self._http.stream("GET", path, **arguments) as answer:
            if answer.status_code >= 300:
                answer.read()
                raise self._refusal(answer)
            yield answer

    def _refusal(self, answer: httpx.Response) -> RequestRefused:
        """Of a key that is refused, also which one it was."""
        refused = refusal(answer)
        if refused.code == "invalid_api_key" and self._key_told is not None:
            refused.advice = say("sentences", sentences=[self._key_told, say("give-key-of-service")])
        return refused

    @contextmanager
    def _plain_errors(self) -> Iterator[None]:
        try:
            yield
        except httpx.HTTPError as error:
            raise ServerUnreachable(
                say("no-answer-from", address=self.url, error=str(error) or type(error).__name__),
                say("start-it-row") if is_loopback(self.url) else say("check-it-runs"),
            ) from error


def refusal(answer: httpx.Response) -> RequestRefused:
    """The refusal in a problem document (RFC 9457), or what else the server said."""
    try:
        problem = answer.json()
        told = map(itemgetter("path", "message"), problem.get("errors", ()))
        errors = tuple(FieldError(path, message) for path, message in told)
        message = problem.get("detail") or problem["title"]
        refused = RequestRefused(answer.status_code, str(problem["code"]), str(message), errors=errors)
        if refused.code == "not_found" and problem.get("error", {}).get("param") == "job_id":
            refused.advice = JOBS_THERE_ARE
        return refused
    except (ValueError, KeyError, TypeError, AttributeError):
        text, status = answer.text.strip()[:500] or answer.reason_phrase, str(answer.status_code)
        said = say("answer-of-http", status=status, text=text)
        if target := answer.headers.get("location"):
            said = say("answer-leads-elsewhere", status=status, target=target)
        return RequestRefused(answer.status_code, "http_error", said)


class CountedFile(io.BufferedReader):
    """A file that tells `advance` the size of every piece read from it."""

    def __init__(self, path: Path, advance: Advance) -> None:
        super().__init__(io.FileIO(path))
        self._advance = advance

    def read(self, size: int | None = -1, /) -> bytes:
        piece = super().read(size)
        self._advance(len(piece))
        return piece
