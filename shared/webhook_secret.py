"""The secrets that webhooks are signed with: made once, kept in the data folder for its owner alone."""

import base64
import binascii
import secrets
from pathlib import Path

from shared.durable import write_private_once
from shared.messages.message import say
from shared.messages.render import shown
from shared.settings import Settings

FILE = "webhook.secret"
PREFIX = "whsec_"
FEWEST_BYTES, MOST_BYTES = 24, 64


def secret_path(settings: Settings) -> Path:
    return settings.webhook_secrets_file or settings.data_dir / FILE


def signing_secrets(settings: Settings) -> tuple[bytes, ...]:
    """The keys, each of which signs. Where no file is named, one is made. Raises ValueError, and OSError."""
    return tuple(base64.b64decode(text.removeprefix(PREFIX)) for text in secret_texts(settings))


def secret_texts(settings: Settings) -> tuple[str, ...]:
    """The same as receivers get them: `whsec_` and base64."""
    path = secret_path(settings)
    if settings.webhook_secrets_file is None:
        write_private_once(path, new_secret() + "\n")
    lines = [line.strip() for line in path.read_text("utf-8").splitlines()]
    found = tuple(line for line in lines if line and not line.startswith("#"))
    if not found:
        raise ValueError(shown(say("webhook-secrets-empty", file=path)))
    for number, line in enumerate(found, 1):
        if not _is_secret(line):
            raise ValueError(
                shown(
                    say(
                        "webhook-secret-unusable",
                        place=number,
                        file=path,
                        fewest=FEWEST_BYTES,
                        most=MOST_BYTES,
                    )
                )
            )
    return found


def new_secret() -> str:
    return PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def _is_secret(text: str) -> bool:
    try:
        key = base64.b64decode(text.removeprefix(PREFIX), validate=True)
    except binascii.Error:
        return False
    return text.startswith(PREFIX) and FEWEST_BYTES <= len(key) <= MOST_BYTES
