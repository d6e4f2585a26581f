"""Rewrites the locks: each becomes its direct packages and all they need, as installed, with their hashes.

A lock's header names its direct packages (``# direct: a b``), those that another lock has (``# apart: a``)
and lines that hold only on some machines (``# also: name==1.0; marker``). ``# only: a`` is a package without
what it needs. To change a lock, edit its header or install another version into ``.venv``, then run
``.venv/bin/python requirements/relock.py``.

The hashes are those of every file of a version, so that each machine's wheel is among them. They are kept
while the version stays, which needs no network. For a new version `uv` asks the index, so it must be on the
PATH (``pip install uv``). With ``--refresh`` it asks for all: wheels may be added to a version later.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

LOCKS = [
    Path(__file__).resolve().parent / f"{name}.txt"
    for name in ("api", "worker", "torch", "cli", "demo-model", "dev")
]
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
# torch's builds for processors and cards are different files of one version, from different indexes.
WITHOUT_HASHES = ("torch",)
_PIN = re.compile(r"^([\w.-]+==[^\s;\\]+)")
_HASH = re.compile(r"--hash=(sha256:[0-9a-f]{64})")

Hashes = dict[str, list[str]]
"""``name==version`` → the hashes of all files of that version, sorted."""


class NotInstalled(Exception):
    """A package of the lock is not in this environment, so its version is unknown."""


class NoHashes(Exception):
    """The hashes of a pin are not known."""


def relock(text: str, hashes: Hashes) -> str:
    """The lock `text` with its pins recomputed from the installed packages; the header stays.

    Raises `NotInstalled`, and `NoHashes` for pins that `hashes` lacks.
    """
    if missing := [pin for pin in hashed_pins(text) if pin not in hashes]:
        raise NoHashes(f"the hashes of {', '.join(missing)} are not known")
    lines = [_with_hashes(line, hashes) for line in _lines(_header(text))]
    return "\n".join([*_header(text), *lines]) + "\n"


def hashed_pins(text: str) -> list[str]:
    """``name==version`` of all that the lock `text` shall have hashes of."""
    return [_pin(line) for line in _lines(_header(text)) if not _without_hashes(line)]


def hashes_in(text: str) -> Hashes:
    """Those that a lock, or the output of `uv pip compile`, has."""
    found: Hashes = {}
    pin = ""
    for line in text.splitlines():
        if match := _PIN.match(line):
            pin = match[1]
        if hashes := _HASH.findall(line):
            found.setdefault(pin, []).extend(hashes)
    return {pin: sorted(set(hashes)) for pin, hashes in found.items()}


def closure(names: list[str], machine: dict[str, str] = MACHINE) -> dict[str, str]:
    """Version of every package that `names` need on `machine`, themselves included, sorted by name."""
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
                waiting.extend(_needs(name, extra, machine))
    return dict(sorted(found.items()))


def words(header: list[str], key: str) -> list[str]:
    """The names after ``# KEY:`` in a lock's header."""
    return [word for line in _values(header, key) for word in line.split()]


def fetched_hashes(pins: list[str]) -> Hashes:
    """What the index says of `pins`. Raises `NoHashes` where `uv`, which asks it, can't tell."""
    python = ["--python-version", MACHINE["python_version"]]
    command = ["uv", "pip", "compile", "--quiet", "--no-deps", "--generate-hashes", *python, "-"]
    try:
        done = subprocess.run(command, input="\n".join(pins), stdout=subprocess.PIPE, text=True, check=True)
    except (FileNotFoundError, subprocess.CalledProcessError) as error:
        raise NoHashes(
            f"{error}; to ask for the hashes of {', '.join(pins)}, uv must be installed"
        ) from error
    return hashes_in(done.stdout)


def _header(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("#")]


def _lines(header: list[str]) -> list[str]:
    """A line for each package, as the header asks for them, without hashes."""
    needed = closure(words(header, "direct"))
    needed |= {canonicalize_name(name): _installed_version(name) for name in words(header, "only")}
    apart = words(header, "apart")
    pins = [f"{name}=={version}" for name, version in needed.items() if name not in apart]
    return sorted(pins + _values(header, "also"))


def _needs(name: str, extra: str, machine: dict[str, str]) -> Iterator[Requirement]:
    for text in distribution(name).requires or []:
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate(machine | {"extra": extra}):
            yield requirement


def _installed_version(name: str) -> str:
    try:
        return Version(distribution(name).version).public  # 2.13.0+cpu is pinned as 2.13.0
    except PackageNotFoundError:
        raise NotInstalled(f"{name} is not installed here; install it, then lock again") from None


def _values(header: list[str], key: str) -> list[str]:
    return [line.removeprefix(f"# {key}: ") for line in header if line.startswith(f"# {key}: ")]


def _without_hashes(line: str) -> bool:
    return Requirement(line).name in WITHOUT_HASHES


def _with_hashes(line: str, hashes: Hashes) -> str:
    files = [] if _without_hashes(line) else hashes[_pin(line)]
    return " \\\n    ".join([line, *(f"--hash={file}" for file in files)])


def _pin(line: str) -> str:
    return line.partition(";")[0].strip()


def main() -> None:
    texts = {path: path.read_text(encoding="utf-8") for path in LOCKS}
    known: Hashes = {}
    if "--refresh" not in sys.argv:
        known = {pin: files for text in texts.values() for pin, files in hashes_in(text).items()}
    if missing := sorted({pin for text in texts.values() for pin in hashed_pins(text)} - set(known)):
        known |= fetched_hashes(missing)
    relocked = {path: relock(text, known) for path, text in texts.items()}
    for path, text in relocked.items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
