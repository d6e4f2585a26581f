"""One run of pip: its output becomes progress, its end success or an `Obstacle`."""

import os
import re
import select
import subprocess
from collections.abc import Iterator
from pathlib import Path

from services.cli.environment import obstacles
from services.cli.environment.child import child
from services.cli.environment.progress import Progress
from services.cli.environment.sentences import say

_FETCHED = re.compile(
    r"(?P<how>Downloading|Using cached|Processing) (?:.*/)?(?P<name>[A-Za-z0-9_.]+?)-(?P<version>\d[^-\s]*?)"
    r"(?:-[^\s/]+\.whl|\.tar\.gz|\.zip)(?P<size> \([\d.,]+ [kMG]?B\))?(?: \(from .*)?$"
)
_PATIENCE_SECONDS = 0.5


def install(
    python: Path, arguments: list[str], *, packages: int, progress: Progress, log: Path, lock: int
) -> None:
    """Runs ``pip install ARGUMENTS`` with an environment's `python`; raises `Obstacle` when pip fails.

    `packages`: how many are expected, for the count. `log` gets all of pip's output. `lock`: see `child`.
    """
    pip = [str(python), "-I", "-u", "-m", "pip", "--no-input", "--disable-pip-version-check", "install"]
    with child([*pip, "--progress-bar=off", "--no-warn-script-location", *arguments], lock) as process:
        output = _follow(process, packages, progress, log)
    if process.returncode != 0:
        raise obstacles.from_pip(output, log)


def _follow(process: subprocess.Popen[bytes], packages: int, progress: Progress, log: Path) -> str:
    fetched = 0
    lines: list[str] = []
    with log.open("a", encoding="utf-8") as file:
        for line in _lines(process, progress):
            lines.append(line)
            file.write(f"{line}\n")
            if found := _FETCHED.search(line):
                fetched += 1
                progress.step(_fetched(found, fetched, max(packages, fetched)))
            elif line.startswith("Installing collected packages"):
                progress.step(say("unpacking-row", packages=line.count(",") + 1))
            elif "Building wheel" in line and "finished" not in line:
                progress.step(line.strip())
    return "\n".join(lines)


def _fetched(found: re.Match[str], number: int, packages: int) -> str:
    name, version, size = found["name"], found["version"], found["size"]
    if found["how"] == "Using cached":
        return say("fetched-from-cache-row", number=number, packages=packages, name=name, version=version)
    if not size:
        return say("fetched-row", number=number, packages=packages, name=name, version=version)
    return say(
        "fetched-with-size-row", number=number, packages=packages, name=name, version=version, size=size
    )


def _lines(process: subprocess.Popen[bytes], progress: Progress) -> Iterator[str]:
    """Lines as they come, to the program's end; ticks `progress` while none does."""
    assert process.stdout is not None
    rest = b""
    while True:
        if not select.select([process.stdout], [], [], _PATIENCE_SECONDS)[0]:
            progress.tick()
            continue
        piece = os.read(process.stdout.fileno(), 65536)
        *lines, rest = (rest + piece).split(b"\n")
        yield from (line.decode(errors="replace").rstrip() for line in lines)
        if not piece:
            process.wait()
            return
