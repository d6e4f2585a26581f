"""Prints the ids that a service knows, for Tab: `id<TAB>what it is`, newest first; nothing if anything fails.

A process of its own that imports little, since somebody waits with a finger on the key:
``./tunedock known-ids LIST [the words typed so far]``.
"""

import http.client
import json
import os
import ssl
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

Ask = Callable[[str, dict[str, str]], list[dict[str, Any]]]
Found = Iterator[tuple[str, str]]

SECONDS = 1.0  # for each answer
MOST = 100
JOBS: dict[str, tuple[str, ...]] = {
    "jobs": ("",),
    "queued-jobs": ("queued",),
    "paused-jobs": ("paused",),
    "open-jobs": ("running", "queued", "paused"),
    "ended-jobs": ("succeeded", "failed", "cancelled"),
}
LISTS = (*JOBS, "trainings", "files", "models", "fine-tuned-models")


def main(arguments: Sequence[str]) -> int:
    name, *words = arguments or ("",)
    try:
        for known, what in found(name, asking(words)):
            if is_plain_word(known):
                sys.stdout.write(f"{known}\t{_printable(what)}\n")
        sys.stdout.flush()
    except Exception:
        return 1
    return 0


def found(name: str, ask: Ask) -> Found:
    """(id, what it is) of the list of this name."""
    if name in JOBS:
        yield from _jobs([{"status": status} if status else {} for status in JOBS[name]], ask)
        if name == "jobs":
            yield "last", ""
    elif name == "trainings":
        yield from _jobs([{"kind": "fine_tuning"}], ask)
        yield "last", ""
    elif name == "files":
        yield from ((file["id"], file["filename"]) for file in ask("files", {"limit": str(MOST)}))
    elif name in ("models", "fine-tuned-models"):
        models = [str(model["id"]) for model in ask("models", {})]
        yield from ((one, "") for one in models if name == "models" or one.startswith("ft:"))


def _jobs(queries: Iterable[dict[str, str]], ask: Ask) -> Found:
    for query in queries:
        for job in ask("jobs", {"limit": str(MOST), **query}):
            yield job["id"], f"{job['status']} {job['request'].get('model') or ''}".rstrip()


def asking(words: Sequence[str]) -> Ask:
    """A function that asks the service which the words typed so far, or the settings, mean."""
    from pydantic import SecretStr

    from services.cli.address import address, is_loopback
    from shared.settings import Settings

    settings = Settings.from_environment()
    given: dict[str, object] = {}
    if (server := _value_of("--server", words)) is not None:
        given["server"] = server
    if (key := _value_of("--key", words)) is not None:
        given["api_key"] = SecretStr(key)
    settings = settings.model_copy(update=given)
    place = address(settings)
    if settings.api_key is not None:
        key = settings.api_key.get_secret_value().strip()
    elif place.is_own:
        key = _first_key(settings.api_keys_file or settings.data_dir / "api.key")
    else:
        raise LookupError
    url = place.urls[0]
    if not is_loopback(url) and any(os.environ.get(name) for name in ("https_proxy", "HTTPS_PROXY")):
        raise LookupError  # a proxy is the command's affair

    def ask(page: str, query: dict[str, str]) -> list[dict[str, Any]]:
        return _asked(url, key, f"/v1/{page}?{urlencode(query)}")

    return ask


def _asked(url: str, key: str, path: str) -> list[dict[str, Any]]:
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port
    connection = (
        http.client.HTTPSConnection(host, port, timeout=SECONDS, context=ssl.create_default_context())
        if parts.scheme == "https"
        else http.client.HTTPConnection(host, port, timeout=SECONDS)
    )
    try:
        connection.request("GET", parts.path + path, headers={"Authorization": f"Bearer {key}"})
        answer = connection.getresponse()
        text = answer.read()
    finally:
        connection.close()
    if answer.status != http.HTTPStatus.OK:
        raise LookupError
    return list(json.loads(text)["data"])


def _first_key(path: Path) -> str:
    lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    return next(line for line in lines if line and not line.startswith("#"))


def _value_of(option: str, words: Sequence[str]) -> str | None:
    """What the user typed for it, as `--key KEY` or `--key=KEY`."""
    for word, after in zip_longest(words, words[1:]):
        if word == option:
            return after
        if word.startswith(f"{option}="):
            return word.partition("=")[2]
    return None


def is_plain_word(text: str) -> bool:
    """Whether it can stand in the line of any shell as it is: nothing in it is obeyed."""
    return all(sign.isalnum() or sign in ":._/@+-" for sign in text) and not text.startswith("-")


def _printable(text: object) -> str:
    """Without what a shell's menu or a terminal would obey."""
    return "".join(sign if sign.isprintable() else " " for sign in str(text))


if __name__ == "__main__":
    sys.exit(main(sys.argv[2:]))
