"""API keys: made at first start, read from a file, compared without telling how close a guess was."""

import hashlib
import hmac
import secrets
import string
import sys
import zlib
from dataclasses import dataclass
from pathlib import Path

from shared.durable import write_private_once
from shared.errors import Unauthorized
from shared.messages.message import say
from shared.messages.render import shown
from shared.settings import Settings

PREFIX = "td"
SHORTEST_KEY_CHARACTERS = 20

_DIGITS = string.digits + string.ascii_letters


@dataclass(frozen=True)
class KeyRing:
    """SHA-256 digests of the keys that open this installation."""

    digests: tuple[bytes, ...]

    def digest_of(self, key: str) -> bytes:
        """Raises `Unauthorized` for a key that is not known."""
        digest = hashlib.sha256(key.encode("utf-8", "replace")).digest()
        if not any(hmac.compare_digest(digest, known) for known in self.digests):
            raise Unauthorized(
                say("key-unknown") if has_valid_checksum(key) else say("key-unknown-and-mistyped")
            )
        return digest

    def check(self, authorization: str | None) -> None:
        """Raises `Unauthorized` unless the header is `Bearer <a known key>`."""
        scheme, _, key = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not key.strip():
            raise Unauthorized(say("key-missing"))
        self.digest_of(key.strip())


def load_keys(settings: Settings) -> KeyRing:
    """The installation's keys; where none is configured, one is made. Raises ValueError for a bad file."""
    path = settings.api_keys_file or settings.data_dir / "api.key"
    if settings.api_keys_file is None and make_key_file(path):
        # Not through the log, which blots keys out.
        print(f"{shown(say('key-made', file=path))}\n{path.read_text().strip()}", file=sys.stderr)
    lines = [line.strip() for line in path.read_text("utf-8").splitlines()]
    keys = [line for line in lines if line and not line.startswith("#")]
    if not keys:
        raise ValueError(shown(say("keys-file-empty", file=path)))
    if short := [number for number, key in enumerate(keys, 1) if len(key) < SHORTEST_KEY_CHARACTERS]:
        raise ValueError(
            shown(say("key-too-short", place=short[0], file=path, fewest=SHORTEST_KEY_CHARACTERS))
        )
    return KeyRing(tuple(hashlib.sha256(key.encode()).digest() for key in keys))


def make_key_file(path: Path) -> bool:
    """Write a new key for the owner's eyes only; False when there is one. Several processes make one key."""
    return write_private_once(path, new_key() + "\n")


def new_key() -> str:
    """`td_<8 characters to tell keys apart>_<256 random bits><6 characters checksum>`."""
    name = "".join(secrets.choice(_DIGITS) for _ in range(8))
    body = f"{PREFIX}_{name}_{secrets.token_urlsafe(32)}"
    return body + _checksum(body)


def has_valid_checksum(key: str) -> bool:
    """False only for a key of our making that was changed; other keys have no checksum."""
    if not key.startswith(f"{PREFIX}_"):
        return True
    return len(key) == len(PREFIX) + 1 + 8 + 1 + 43 + 6 and key[-6:] == _checksum(key[:-6])


def _checksum(text: str) -> str:
    number, digits = zlib.crc32(text.encode("utf-8", "replace")), ""
    for _ in range(6):
        number, place = divmod(number, len(_DIGITS))
        digits = _DIGITS[place] + digits
    return digits
