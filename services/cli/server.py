"""Reaches the API of this installation or of another one, with the key it takes."""

import socket
from pathlib import Path

import httpx

from services.cli.address import Address, address, is_loopback
from services.cli.client import Client
from services.cli.connection import refusal
from services.cli.failure import CommandFailed, ServerUnreachable, UsageError
from services.cli.options import KeyOption
from shared.messages.message import Message, say
from shared.settings import Settings

UNKNOWN_NAME = say("name-without-address")
PLAIN_HTTP = say("address-speaks-no-tls")
OPTION, VARIABLE = "--key", "TUNEDOCK_API_KEY"
SHOWN_CHARACTERS, LONG_KEY_CHARACTERS = 6, 24
PROBE_SECONDS = 2.0
PROBE_SECONDS_ELSEWHERE = 10.0


def connect(settings: Settings) -> Client:
    """A client of the service that --server or the settings name, else of this installation's.

    Raises `ServerUnreachable` when nothing answers there, `UsageError` for an address or key that can't be
    one, `CommandFailed` when there is no key.
    """
    place = address(settings)
    url = _answering(place)
    key, source = _key(place, settings)
    return Client(url, key, _key_told(key, source))


def key_path(settings: Settings) -> Path:
    """The file the API takes its keys from."""
    return settings.api_keys_file or settings.data_dir / "api.key"


def read_key(path: Path) -> str:
    """The first key in a keys file."""
    try:
        lines = [line.strip() for line in path.read_text().splitlines()]
    except OSError as error:
        raise CommandFailed(
            say("key-not-read", file=path, error=error.strerror), say("name-keys-file-or-give-key")
        ) from error
    keys = [line for line in lines if line and not line.startswith("#")]
    if not keys:
        raise CommandFailed(say("no-key-in-file", file=path))
    return keys[0]


def answers(url: str) -> bool:
    """True if an API lives at `url`, whether or not it is ready."""
    try:
        return _get(f"{url}/healthz").status_code == 200
    except httpx.HTTPError:
        return False


def missing_for_readiness(url: str) -> str | Message | None:
    """What the API at `url` says is missing before a job can run; None when nothing is."""
    try:
        answer = _get(f"{url}/readyz")
    except httpx.HTTPError:
        return say("api-silent-yet")
    return None if answer.status_code == 200 else refusal(answer).said


def _answering(place: Address) -> str:
    problems, remedy = [], place.remedy
    for url in place.urls:
        try:
            answer = _get(f"{url}/healthz")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            why = str(error) or type(error).__name__
            if _is_unknown_name(error):
                remedy = UNKNOWN_NAME
            elif "WRONG_VERSION_NUMBER" in why:
                remedy = PLAIN_HTTP
            problems.append(say("no-tunedock-answers", address=url, error=why))
            continue
        if answer.status_code == 200:
            return url
        problems.append(_other_program(url, answer))
    raise ServerUnreachable(say("sentences", sentences=problems), remedy)


def _other_program(url: str, answer: httpx.Response) -> Message:
    """What answers, but not as an API does."""
    status = str(answer.status_code)
    if target := answer.headers.get("location"):
        return say("other-program-leads-elsewhere", address=url, status=status, target=target)
    return say("other-program-answers", address=url, status=status)


def _is_unknown_name(error: BaseException | None) -> bool:
    """Whether a host's name without an address is behind it."""
    while error is not None and not isinstance(error, socket.gaierror):
        error = error.__cause__ or error.__context__
    return error is not None


def _key(place: Address, settings: Settings) -> tuple[str, str]:
    """The key and where it is from. That of this installation is sent to no service but its own."""
    if settings.api_key is not None:
        key = settings.api_key.get_secret_value().strip()
        if not key.isascii() or not key.isprintable() or not key or " " in key:
            raise UsageError(say("key-with-strange-characters"), say("copy-key-again"))
        return key, OPTION if isinstance(settings.api_key, KeyOption) else VARIABLE
    if not place.is_own:
        raise CommandFailed(say("key-wanted", address=place.urls[0]), say("give-key"))
    path = key_path(settings)
    return read_key(path), str(path)


def _key_told(key: str, source: str) -> Message:
    """Its first characters, where those give too little away to be of use."""
    if len(key) < LONG_KEY_CHARACTERS:
        return say("short-key-used", source=source)
    return say("key-used", beginning=f"{key[:SHOWN_CHARACTERS]}…", source=source)


def _get(url: str) -> httpx.Response:
    elsewhere = not is_loopback(url)
    seconds = PROBE_SECONDS_ELSEWHERE if elsewhere else PROBE_SECONDS
    return httpx.get(url, timeout=seconds, trust_env=elsewhere)
