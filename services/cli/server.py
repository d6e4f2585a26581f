"""Reaches the API of this installation or of another one, with the key it takes."""

import socket
from pathlib import Path

import httpx

from services.cli.address import Address, address, is_loopback
from services.cli.client import Client, refusal
from services.cli.failure import CommandFailed, ServerUnreachable, UsageError
from shared.settings import Settings

UNKNOWN_NAME = "This machine knows no address for that name; check how it is spelled, or give the number."
PLAIN_HTTP = "What listens there does not speak TLS: give the address with http://, not https://."
PROBE_SECONDS = 2.0
PROBE_SECONDS_ELSEWHERE = 10.0


def connect(settings: Settings) -> Client:
    """A client of the service that --server or the settings name, else of this installation's.

    Raises `ServerUnreachable` when nothing answers there, `UsageError` for an address or key that can't be
    one, `CommandFailed` when there is no key.
    """
    place = address(settings)
    return Client(_answering(place), _key(place, settings))


def key_path(settings: Settings) -> Path:
    """The file the API takes its keys from."""
    return settings.api_keys_file or settings.data_dir / "api.key"


def read_key(path: Path) -> str:
    """The first key in a keys file."""
    try:
        lines = [line.strip() for line in path.read_text().splitlines()]
    except OSError as error:
        raise CommandFailed(
            f"can't read the API key from {path}: {error.strerror}",
            "Set TUNEDOCK_DATA_DIR or TUNEDOCK_API_KEYS_FILE as the server has it, or give the key: --key.",
        ) from error
    keys = [line for line in lines if line and not line.startswith("#")]
    if not keys:
        raise CommandFailed(f"{path} holds no API key")
    return keys[0]


def answers(url: str) -> bool:
    """True if an API lives at `url`, whether or not it is ready."""
    try:
        return _get(f"{url}/healthz").status_code == 200
    except httpx.HTTPError:
        return False


def missing_for_readiness(url: str) -> str | None:
    """What the API at `url` says is missing before a job can run; None when nothing is."""
    try:
        answer = _get(f"{url}/readyz")
    except httpx.HTTPError:
        return "the API does not answer yet"
    return None if answer.status_code == 200 else refusal(answer).message


def _answering(place: Address) -> str:
    problems, unresolved = [], False
    for url in place.urls:
        try:
            answer = _get(f"{url}/healthz")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            unresolved = unresolved or _is_unknown_name(error)
            problems.append(f"no Tunedock answers at {url} ({str(error) or type(error).__name__})")
            continue
        if answer.status_code == 200:
            return url
        problems.append(f"what answers at {url} is no Tunedock: /healthz is HTTP {answer.status_code}")
        if target := answer.headers.get("location"):
            problems[-1] += f" and leads to {target}"
    remedy = PLAIN_HTTP if any("WRONG_VERSION_NUMBER" in problem for problem in problems) else place.remedy
    raise ServerUnreachable("; ".join(problems), UNKNOWN_NAME if unresolved else remedy)


def _is_unknown_name(error: BaseException | None) -> bool:
    """Whether a host's name without an address is behind it."""
    while error is not None and not isinstance(error, socket.gaierror):
        error = error.__cause__ or error.__context__
    return error is not None


def _key(place: Address, settings: Settings) -> str:
    """The key of this installation is sent to no service but its own."""
    if settings.api_key is not None:
        key = settings.api_key.get_secret_value().strip()
        if not key.isascii() or not key.isprintable() or not key or " " in key:
            raise UsageError(
                "the key given by --key or TUNEDOCK_API_KEY holds characters that no key has",
                "Copy it again; where the service runs, ./tunedock key prints it.",
            )
        return key
    if not place.is_own:
        raise CommandFailed(
            f"{place.urls[0]} wants an API key, and none is given",
            "Give it with --key or TUNEDOCK_API_KEY; where the service runs, ./tunedock key prints it.",
        )
    return read_key(key_path(settings))


def _get(url: str) -> httpx.Response:
    elsewhere = not is_loopback(url)
    seconds = PROBE_SECONDS_ELSEWHERE if elsewhere else PROBE_SECONDS
    return httpx.get(url, timeout=seconds, trust_env=elsewhere)
