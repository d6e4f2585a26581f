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
                size = " (cached)" if found["how"] == "Using cached" else found["size"] or ""
                progress.step(
                    f"[{fetched}/{max(packages, fetched)}] {found['name']} {found['version']}{size}"
                )
            elif line.startswith("Installing collected packages"):
                progress.step(f"installing {line.count(',') + 1} packages")
            elif "Building wheel" in line and "finished" not in line:
                progress.step(line.strip())
    return "\n".join(lines)


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
