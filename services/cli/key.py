"""The command `key`: prints the API key of this installation, or one of its other secrets."""

import argparse
from pathlib import Path

from services.cli.failure import CommandFailed
from services.cli.options import Commands, add_command
from services.cli.server import key_path, read_key
from services.cli.terminal import Terminal
from shared.messages.message import say, stored
from shared.settings import Settings
from shared.webhook_secret import secret_path, secret_texts

GRAFANA_VARIABLE = "TUNEDOCK_GRAFANA_PASSWORD_FILE"  # set in the API's container
GRAFANA_USER = "admin"


def add_commands(commands: Commands) -> None:
    key = add_command(commands, "key", say("help-key-row"))
    other = key.add_mutually_exclusive_group()
    other.add_argument("--grafana", action="store_true", help=stored(say("help-grafana-row")))
    other.add_argument("--webhooks", action="store_true", help=stored(say("help-key-webhooks-row")))
    key.set_defaults(run=print_key)


def print_key(arguments: argparse.Namespace, settings: Settings, terminal: Terminal) -> int:
    if arguments.grafana:
        path = _grafana_file(settings)
        password = _read_password(path)
        terminal.emit({"user": GRAFANA_USER, "password": password, "file": str(path)})
        terminal.say(password)
        return 0
    if arguments.webhooks:
        return _print_secrets(settings, terminal)
    path = key_path(settings)
    if not path.exists():
        raise CommandFailed(say("no-key-yet", file=path), say("key-is-made-at-start"))
    key = read_key(path)
    terminal.emit({"key": key, "file": str(path)})
    terminal.say(key)
    return 0


def _print_secrets(settings: Settings, terminal: Terminal) -> int:
    """Made now, where there is none: a receiver needs it before the first webhook comes."""
    path = secret_path(settings)
    try:
        secrets = secret_texts(settings)
    except OSError as error:
        raise CommandFailed(
            say("webhook-secret-not-read", file=path, error=error.strerror or str(error))
        ) from error
    except ValueError as error:
        raise CommandFailed(str(error)) from error
    terminal.emit({"secrets": list(secrets), "file": str(path)})
    for secret in secrets:
        terminal.say(secret)
    return 0


def _grafana_file(settings: Settings) -> Path:
    if settings.grafana_password_file is not None:
        return settings.grafana_password_file
    raise CommandFailed(say("no-grafana-here", variable=GRAFANA_VARIABLE), say("ask-grafana-in-compose-row"))


def _read_password(path: Path) -> str:
    try:
        password = path.read_text().strip()
    except OSError as error:
        raise CommandFailed(
            say("grafana-password-not-read", file=path, error=error.strerror),
            say("grafana-password-is-made", variable=GRAFANA_VARIABLE),
        ) from error
    if not password:
        raise CommandFailed(say("grafana-password-empty", file=path), say("delete-and-start-compose-row"))
    return password
