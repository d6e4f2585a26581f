"""The command `key`: prints the API key of this installation, or Grafana's password."""

import argparse
from pathlib import Path

from services.cli.failure import CommandFailed
from services.cli.options import Commands, add_command
from services.cli.server import key_path, read_key
from services.cli.terminal import Terminal
from shared.settings import Settings

GRAFANA_VARIABLE = "TUNEDOCK_GRAFANA_PASSWORD_FILE"  # set in the API's container
GRAFANA_USER = "admin"


def add_commands(commands: Commands) -> None:
    key = add_command(commands, "key", "print the API key of this installation")
    key.add_argument(
        "--grafana", action="store_true", help="print the password of Grafana's user admin instead"
    )
    key.set_defaults(run=print_key)


def print_key(arguments: argparse.Namespace, settings: Settings, terminal: Terminal) -> int:
    if arguments.grafana:
        path = _grafana_file(settings)
        password = _read_password(path)
        terminal.emit({"user": GRAFANA_USER, "password": password, "file": str(path)})
        terminal.say(password)
        return 0
    path = key_path(settings)
    if not path.exists():
        raise CommandFailed(
            f"there is no API key at {path}",
            "The key is made at the first start: ./tunedock up. Where the service runs in containers, ask "
            "there: docker compose exec api tunedock key. For another data folder set TUNEDOCK_DATA_DIR or "
            "TUNEDOCK_API_KEYS_FILE as the server has it.",
        )
    key = read_key(path)
    terminal.emit({"key": key, "file": str(path)})
    terminal.say(key)
    return 0


def _grafana_file(settings: Settings) -> Path:
    if settings.grafana_password_file is not None:
        return settings.grafana_password_file
    raise CommandFailed(
        f"{GRAFANA_VARIABLE} is not set: this installation has no Grafana of its own",
        "Grafana is part of the compose installation; ask there: "
        "docker compose exec api tunedock key --grafana.",
    )


def _read_password(path: Path) -> str:
    try:
        password = path.read_text().strip()
    except OSError as error:
        raise CommandFailed(
            f"can't read Grafana's password from {path}: {error.strerror}",
            f"It is made at the first start of docker compose up; {GRAFANA_VARIABLE} names the file.",
        ) from error
    if not password:
        raise CommandFailed(f"{path} is empty", "Delete it and start again: docker compose up -d --wait.")
    return password
