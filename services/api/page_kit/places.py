"""Paths and hosts of a report as names that say where without saying whose: the page gets passed on.

What lies in a known folder is named from there (`data/models/…`, `~/.cache/…`); of any other path its last
name stays. The report as JSON and as text keeps them whole, for whoever looks after the machine. In sentences
of the API, such as refusals and events, the known folders have their names where the reader is elsewhere.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shared.settings import PROJECT_ROOT, Settings

PATH_FIELDS = ("folder", "real_path", "mount_point")
PUBLIC_HOSTS = ("huggingface.co", "hf.co", "github.com", "pytorch.org", "download.pytorch.org")
A_SERVER = "a-server"

_BEFORE = r"(?<![\w.~…/\\<-])"  # where a path may begin
_END = r"(?![\w.+@-])"
_HOMES = re.compile(_BEFORE + r"(?:/home/[^/\s\"'`:;,]+|/Users/[^/\s\"'`:;,]+|/root)" + _END)
_WINDOWS_HOMES = re.compile(
    r"((?:/mnt/[a-z]|/[a-z]|[A-Za-z]:)[/\\]Users[/\\])[^/\\\s\"'`:;,]+", re.IGNORECASE
)
_URL = re.compile(r"\b(https?://)(?:[^/\s@]*@)?([^/\s:\"'`,;]+)(:\d+)?")
_ABSOLUTE = re.compile(_BEFORE + r"(?<!:)/(?:[^\s/\"'`,;:()<>|]+/)*[^\s/\"'`,;:()<>|]+/?")
_OF_EVERY_MACHINE = re.compile(r"/(proc|sys|dev|tmp|path)(/|$)|/mnt/[a-z]/?$")


@dataclass(frozen=True)
class Places:
    """`roots`: (path, name), the longest path first. `words`: what else is replaced where it stands."""

    roots: tuple[tuple[str, str], ...]
    words: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, settings: Settings, report: Mapping[str, Any]) -> "Places":
        """The folders of this installation, and those that the report itself names."""
        facts = _inner(report, "facts")
        cache = _inner(facts, "cache").get("folder")
        named = [
            (settings.data_dir, "data"),
            (settings.models_dir, "models"),
            (settings.datasets_dir, "datasets"),
            *((path, name) for name, path in settings.storages.items()),
            (settings.host_hf_cache, "host-cache"),
            (PROJECT_ROOT, "."),
            (_home(), "~"),
        ]
        roots = {form: name for path, name in reversed(named) if path for form in _forms(path)}
        if isinstance(cache, str) and cache.startswith("/") and not _lies_in(cache, roots):
            roots[cache] = "cache"
        ordered = sorted(((path, name) for path, name in roots.items()), key=lambda root: -len(root[0]))
        return cls(tuple(ordered), tuple(_servers(_inner(facts, "storage").get("source"))))

    def shown(self, value: Any, field: str = "") -> Any:
        """A part of the report with every text as the page shows it."""
        if isinstance(value, str):
            return self.path(value) if field in PATH_FIELDS else self.text(value)
        if isinstance(value, list):
            return [self.shown(one, field) for one in value]
        if isinstance(value, dict):
            return {self.text(str(name)): self.shown(one, str(name)) for name, one in value.items()}
        return value

    def path(self, path: str) -> str:
        """A text that is a path and nothing else; it may have spaces."""
        shown = self._from_roots(path)
        if shown.startswith("/") and shown != "/" and not _OF_EVERY_MACHINE.match(shown):
            return f"…/{shown.rstrip('/').rpartition('/')[2]}"
        return shown

    def text(self, text: str) -> str:
        """A sentence or a command in which paths and addresses may stand."""
        for word, name in self.words:
            text = text.replace(word, name)
        text = _URL.sub(_public, self._from_roots(text))
        return _ABSOLUTE.sub(_last_name, text)

    def folders(self, text: str) -> str:
        """A sentence in which the known folders have their names; what else stands in it stays."""
        return self._from_roots(text)

    def _from_roots(self, text: str) -> str:
        for path, name in self.roots:
            if path in text:
                whole = re.compile(rf"{_BEFORE}{re.escape(path)}{_END}")
                text = whole.sub(name.replace("\\", r"\\"), text)
        return _WINDOWS_HOMES.sub(r"\1~", _HOMES.sub("~", text))


def _home() -> Path | None:
    """None for a user without one, as in some containers."""
    try:
        return Path.home()
    except RuntimeError:
        return None


def _last_name(match: re.Match[str]) -> str:
    path = match[0]
    if _OF_EVERY_MACHINE.match(path):
        return path
    last = path.rstrip("/").rpartition("/")[2]
    return last if re.fullmatch(r"python[\d.]*", last) else f"…/{last}"  # a command stays one


def _public(match: re.Match[str]) -> str:
    host = match[2].lower()
    return match[0] if host in PUBLIC_HOSTS else f"{match[1]}{A_SERVER}"


def _forms(path: Path) -> Iterable[str]:
    """As it is set, and with its links followed; a root folder names nothing."""
    return {form for form in (str(path), str(path.resolve())) if form.strip("/")}


def _lies_in(path: str, roots: Mapping[str, str]) -> bool:
    return any(path == root or path.startswith(f"{root}/") for root in roots)


def _servers(source: Any) -> Iterable[tuple[str, str]]:
    """What a network mount is mounted from names a host: `nas:/volume`, `//nas/share`."""
    if not isinstance(source, str) or source.startswith("/dev/"):
        return
    if source.startswith("//") or re.match(r"[^/\\\s:]{2,}:/", source):
        yield source, A_SERVER
        if host := re.match(r"(?://)?([^/:]+)", source):
            yield host[1], A_SERVER


def _inner(value: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    inner = value.get(name)
    return inner if isinstance(inner, Mapping) else {}
