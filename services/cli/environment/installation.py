"""Builds `.venv` from the locks: makes the environment, then installs each part, and stamps what is whole."""

import fcntl
import os
import platform
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from services.cli.environment import obstacles, pip_run, stamps
from services.cli.environment.child import child
from services.cli.environment.obstacles import GB, Interrupted, Obstacle
from services.cli.environment.progress import Progress
from services.cli.environment.sentences import say

# Measured with torch's CPU build: 1.8 GB, and 0.5 GB of downloads beside them. The CUDA build's need is
# an estimate.
CPU_BYTES = 3 * GB
CUDA_BYTES = 9 * GB
DEV_BYTES = GB // 2
_WITHOUT_HASHES = "torch.txt"  # says why


class Installation:
    """The environment of the checkout at `root`; torch comes from `torch_index`, or from pip's own."""

    def __init__(self, root: Path, torch_index: str | None, progress: Progress) -> None:
        self._root = root
        self._torch_index = torch_index or None
        self._progress = progress

    def complete(self, parts: list[str]) -> None:
        """Installs what `parts` lack. Raises `Obstacle` or `Interrupted`; a later call goes on from there."""
        with _interruptible(), self._lock() as lock:
            try:
                self._complete(parts, lock)
            except OSError as error:
                folder = stamps.environment_of(self._root)
                raise Obstacle(say("environment-not-written", folder=folder, error=error)) from error
            finally:
                self._progress.end()

    def _complete(self, parts: list[str], lock: int) -> None:
        sound = stamps.is_sound(self._root, sys.implementation.cache_tag, self._torch_index) and _runs(
            stamps.python_of(self._root)
        )
        missing = [part for part in parts if not (sound and stamps.is_installed(self._root, part))]
        if not missing:
            return  # another process did it while this one waited
        if not sound:
            obstacles.require_venv_module()
            obstacles.require_own(stamps.environment_of(self._root), stamps.is_ours(self._root))
        self._require_space(missing)
        if not sound:
            self._start_anew(lock)
        for part in missing:
            self._install(part, lock)

    @contextmanager
    def _lock(self) -> Iterator[int]:
        """One set-up at a time. The folder of locks is what is locked, so that no other file is needed."""
        folder = os.open(self._root / "requirements", os.O_RDONLY)
        try:
            try:
                fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self._progress.stage(say("other-set-up-row"))
                fcntl.flock(folder, fcntl.LOCK_EX)
            yield folder
        finally:
            os.close(folder)

    def _require_space(self, missing: list[str]) -> None:
        """Refuses what can't fit the CPU build; whether torch is the CUDA build, only its index knows."""
        used_bytes = _size_bytes(stamps.environment_of(self._root))
        free_bytes = shutil.disk_usage(self._root).free
        if "run" not in missing:
            obstacles.require_space(self._root, free_bytes, DEV_BYTES)
            return
        obstacles.require_space(self._root, free_bytes, max(CPU_BYTES - used_bytes, 0))
        if free_bytes < CUDA_BYTES - used_bytes and self._may_be_cuda():
            self._progress.stage(
                say(
                    "cuda-build-needs-more",
                    folder=self._root,
                    free_bytes=free_bytes,
                    needed_bytes=CUDA_BYTES,
                )
            )

    def _may_be_cuda(self) -> bool:
        return platform.system() == "Linux" and "cpu" not in (self._torch_index or "")

    def _start_anew(self, lock: int) -> None:
        folder = stamps.environment_of(self._root)
        self._progress.stage(say("setting-up-row", folder=folder, version=platform.python_version()))
        python = os.path.realpath(sys.executable)  # our own may lie in the folder that is removed
        if folder.exists():
            shutil.rmtree(folder)
        stamps.mark_ours(self._root)
        with child([python, "-I", "-m", "venv", str(folder)], lock) as process:
            output = process.communicate()[0].decode(errors="replace")
        if process.returncode != 0:
            raise Obstacle(say("environment-not-made", program=python, folder=folder, output=output.rstrip()))
        stamps.mark_sound(self._root, sys.implementation.cache_tag, self._torch_index)

    def _install(self, part: str, lock: int) -> None:
        stamps.clear_installed(self._root, part)
        drop_half_installed(stamps.environment_of(self._root))
        files = stamps.lock_files(self._root, part)
        pins = len({line for file in files for line in _pins(file)})
        self._progress.stage(say("installing-row", part=part, packages=pins))
        hashed = [file for file in files if file.name != _WITHOUT_HASHES]
        # The locks are whole. What pip found that a package needs beside them would have no hash.
        self._pip(["--require-hashes", "--no-deps"], hashed, pins, lock)
        if torch := [file for file in files if file.name == _WITHOUT_HASHES]:
            self._install_torch(torch, lock)
        stamps.mark_installed(self._root, part)

    def _install_torch(self, files: list[Path], lock: int) -> None:
        """Last, so that all it finds missing are its CUDA packages, which it names by exact versions."""
        if self._torch_index:
            self._pip(["--index-url", self._torch_index, "--no-deps"], files, 1, lock)
        self._pip([], files, 1, lock)

    def _pip(self, options: list[str], files: list[Path], packages: int, lock: int) -> None:
        arguments = [*options, *(text for file in files for text in ("-r", str(file)))]
        log = stamps.environment_of(self._root) / "set-up.log"
        python = stamps.python_of(self._root)
        pip_run.install(python, arguments, packages=packages, progress=self._progress, log=log, lock=lock)


def drop_half_installed(environment: Path) -> None:
    """Makes pip install again what a killed pip left in pieces.

    pip writes a package's INSTALLER after its files and scripts, and moves what it replaces to names with ~.
    """
    for site in environment.glob("lib/python*/site-packages"):
        for record in site.glob("*.dist-info"):
            if not (record / "INSTALLER").exists():
                shutil.rmtree(record)
        for aside in site.glob("~*"):
            shutil.rmtree(aside) if aside.is_dir() else aside.unlink()


def _runs(python: Path) -> bool:
    """An upgrade of the system may have taken the Python away that an environment points to."""
    try:
        return subprocess.run([python, "-S", "-c", ""], capture_output=True).returncode == 0
    except OSError:
        return False


def _pins(lock_file: Path) -> list[str]:
    """The lines that name packages; those that go on from them are indented."""
    lines = lock_file.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith(("#", " "))]


def _size_bytes(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*"))


@contextmanager
def _interruptible() -> Iterator[None]:
    """SIGTERM stops set-up as Ctrl-C does: pip is ended first, then the command."""

    def stop(signum: int, frame: object) -> None:
        raise Interrupted

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, action in before.items():
            signal.signal(number, action)
