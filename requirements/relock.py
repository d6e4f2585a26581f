"""Rewrites the locks: each becomes its direct packages and all they need, at the installed versions.

A lock's header names its direct packages (``# direct: a b``) and lines that hold only on some machines
(``# also: name==1.0; marker``). To change a lock, edit its header or install another version into ``.venv``,
then run ``.venv/bin/python requirements/relock.py``.
"""

from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

LOCKS = [Path(__file__).resolve().parent / f"{name}.txt" for name in ("api", "worker", "cli", "dev")]
# Locks are made for one kind of machine, whatever machine makes them; `also` lines cover the others.
MACHINE = {
    "python_version": "3.11",
    "python_full_version": "3.11.9",
    "sys_platform": "linux",
    "platform_system": "Linux",
    "platform_machine": "x86_64",
    "platform_python_implementation": "CPython",
    "implementation_name": "cpython",
    "os_name": "posix",
}
# torch's CUDA build names its own exact CUDA packages; pinning them would push gigabytes onto CPU machines.
LEFT_TO_TORCH = ("nvidia-", "cuda-", "triton")


class NotInstalled(Exception):
    """A package of the lock is not in this environment, so its version is unknown."""


def relock(text: str) -> str:
    """The lock `text` with its pins recomputed from the installed packages; the header stays."""
    header = [line for line in text.splitlines() if line.startswith("#")]
    direct = [name for line in _values(header, "direct") for name in line.split()]
    also = _values(header, "also")
    pins = [f"{name}=={version}" for name, version in closure(direct).items()]
    return "\n".join([*header, *sorted(pins + also)]) + "\n"


def closure(names: list[str]) -> dict[str, str]:
    """Version of every package that `names` need on `MACHINE`, themselves included, sorted by name."""
    found: dict[str, str] = {}
    seen: set[tuple[str, str]] = set()
    waiting = [Requirement(name) for name in names]
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        if name.startswith(LEFT_TO_TORCH) and name not in names:
            continue
        found[name] = _installed_version(name)
        for extra in ("", *requirement.extras):
            if (name, extra) not in seen:
                seen.add((name, extra))
                waiting.extend(_needs(name, extra))
    return dict(sorted(found.items()))


def _needs(name: str, extra: str) -> Iterator[Requirement]:
    for text in distribution(name).requires or []:
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate(MACHINE | {"extra": extra}):
            yield requirement


def _installed_version(name: str) -> str:
    try:
        return Version(distribution(name).version).public  # 2.13.0+cpu is pinned as 2.13.0
    except PackageNotFoundError:
        raise NotInstalled(f"{name} is not installed here; install it, then lock again") from None


def _values(header: list[str], key: str) -> list[str]:
    return [line.removeprefix(f"# {key}: ") for line in header if line.startswith(f"# {key}: ")]


if __name__ == "__main__":
    for path in LOCKS:
        path.write_text(relock(path.read_text(encoding="utf-8")), encoding="utf-8")
