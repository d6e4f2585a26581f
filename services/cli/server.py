"""Where the API of this installation is, and which key it takes."""

from pathlib import Path

import httpx

from services.cli.client import Client, refusal
from services.cli.failure import CommandFailed, ServerUnreachable
from services.cli.stack_state import running_stack
from shared.settings import Settings


def connect(settings: Settings) -> Client:
    """A client of the stack that runs on this data folder, else of the address in the settings.

    Raises `ServerUnreachable` when nothing answers there, `CommandFailed` when no key is found.
    """
    stack = running_stack(settings.data_dir)
    url = stack.url if stack else api_url(settings)
    if not answers(url):
        raise ServerUnreachable(f"no Tunedock answers at {url}", "Start it with: ./tunedock up")
    return Client(url, read_key(key_path(settings)))


def api_url(settings: Settings) -> str:
    """The API's address as seen from this machine."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.api_host, settings.api_host)
    return f"http://[{host}]:{settings.api_port}" if ":" in host else f"http://{host}:{settings.api_port}"


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
            "Set TUNEDOCK_DATA_DIR or TUNEDOCK_API_KEYS_FILE as the server has it.",
        ) from error
    keys = [line for line in lines if line and not line.startswith("#")]
    if not keys:
        raise CommandFailed(f"{path} holds no API key")
    return keys[0]


def answers(url: str) -> bool:
    """True if an API lives at `url`, whether or not it is ready."""
    answer = _get(f"{url}/healthz")
    return answer is not None and answer.status_code == 200


def missing_for_readiness(url: str) -> str | None:
    """What the API at `url` says is missing before a job can run; None when nothing is."""
    answer = _get(f"{url}/readyz")
    if answer is None:
        return "the API does not answer yet"
    return None if answer.status_code == 200 else refusal(answer).message


def _get(url: str) -> httpx.Response | None:
    try:
        # A proxy of the environment has no business with this machine's own address.
        return httpx.get(url, timeout=2.0, trust_env=False)
    except httpx.HTTPError:
        return None
