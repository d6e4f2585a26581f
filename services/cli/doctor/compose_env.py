"""What a plain `docker compose` of this checkout would do: its variables, as compose itself finds them."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from services.cli.doctor.facts import ComposeFacts

COMPOSE_FILE = "docker-compose.yml"
CPU_FILE = "compose.cpu.yaml"
WEBHOOK_URLS = "TUNEDOCK_WEBHOOK_URLS"
OVERRIDE_FILES = ("docker-compose.override.yml", "docker-compose.override.yaml")
CHOOSE_CPU = f"COMPOSE_FILE={COMPOSE_FILE}:{CPU_FILE}"  # the line of .env for a machine without a card
_LINE = re.compile(r"\s*(?:export\s+)?([A-Za-z_]\w*)\s*[=:]\s*(.*?)\s*$")
_QUOTED = re.compile(r"""(["'])(.*?)\1""")


def read_compose(root: Path, environment: Mapping[str, str], running: tuple[str, ...]) -> ComposeFacts:
    """`root` is the folder of docker-compose.yml; `running` the files that its containers came from."""
    dotenv = root / ".env"
    text = _text(dotenv)
    written = read_variables(text or "")
    variables = {**written, **environment}  # as compose has it: the environment goes first
    address = variables.get("TUNEDOCK_BIND_ADDRESS") or "127.0.0.1"
    host = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}.get(address, address)
    return ComposeFacts(
        dotenv=str(dotenv) if text is not None else None,
        api_url=f"http://{host}:{variables.get('TUNEDOCK_API_PORT') or 8080}",
        chosen=_chosen(root, variables),
        running=tuple(_from(root, name) for name in running),
        webhooks_in=_webhooks_in(written, environment),
    )


def read_variables(text: str) -> dict[str, str]:
    """The lines of a .env, read as compose reads them; references stay as they are written."""
    found = {}
    for line in text.splitlines():
        if line.lstrip().startswith("#") or not (parts := _LINE.match(line)):
            continue
        name, value = parts.groups()
        quoted = _QUOTED.match(value)
        found[name] = quoted[2] if quoted else re.split(r"\s#", value, maxsplit=1)[0].rstrip()
    return found


def _webhooks_in(
    written: Mapping[str, str], environment: Mapping[str, str]
) -> Literal["dotenv", "environment"] | None:
    if WEBHOOK_URLS in environment:
        return "environment" if environment[WEBHOOK_URLS].strip(" ,") else None
    return "dotenv" if written.get(WEBHOOK_URLS, "").strip(" ,") else None


def _chosen(root: Path, variables: Mapping[str, str]) -> tuple[str, ...]:
    """The files that a plain `docker compose` reads, in their order."""
    named = variables.get("COMPOSE_FILE")
    if named:
        separator = variables.get("COMPOSE_PATH_SEPARATOR") or ":"
        return tuple(_from(root, name) for name in named.split(separator) if name)
    return (COMPOSE_FILE, *(name for name in OVERRIDE_FILES if (root / name).is_file()))


def _from(root: Path, name: str) -> str:
    """A file as it is named from `root`: what lies elsewhere keeps its whole path."""
    path = Path(root, name)
    return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
