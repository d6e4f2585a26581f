"""Environments of the peers' own: each is built once, from its pinned requirements, under the data folder."""

import os
import shutil
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

from bench.document import say
from shared.settings import PROJECT_ROOT

PEER_OF_ARM = {
    "trl-best": "trl",
    "trl-grouped": "trl",
    "trl-flat": "trl",
    "llamafactory": "llamafactory",
    "axolotl": "axolotl",
    "unsloth": "unsloth",
}
TORCH_INDEX = "TUNEDOCK_TORCH_INDEX"
TORCH_FAMILY = ("torch==", "torchaudio==", "torchvision==")


class NoEnvironment(Exception):
    """A peer's environment can't be built here; the text is what pip said last."""


def python_for(arm: str, environments: Path) -> Path:
    """The interpreter of `arm`: this one, or that of its peer's environment, built if need be.

    Raises `NoEnvironment`.
    """
    peer = PEER_OF_ARM.get(arm)
    return Path(sys.executable) if peer is None else peer_python(peer, environments)


def peer_python(peer: str, environments: Path) -> Path:
    """The interpreter of `peer`'s environment, built if need be. Raises `NoEnvironment`."""
    return _environment(peer, environments / peer)


def requirements_of(peer: str) -> Path:
    return PROJECT_ROOT / "bench" / f"requirements-{peer}.txt"


def _environment(peer: str, folder: Path) -> Path:
    python = folder / "bin" / "python"
    wanted = requirements_of(peer).read_text(encoding="utf-8")
    stamp = folder / "complete"
    digest = sha256(f"{sys.version}\n{wanted}".encode()).hexdigest()
    if stamp.is_file() and stamp.read_text() == digest:
        return python
    say(f"making {peer}'s environment in {folder} (once, several minutes)")
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    _run([sys.executable, "-m", "venv", str(folder)], peer)
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
    if index := os.environ.get(TORCH_INDEX):
        # Its company is built for one torch; the builds of two places don't load together.
        family = [line for line in wanted.splitlines() if line.startswith(TORCH_FAMILY)]
        _run([*pip, "--index-url", index, "--no-deps", *family], peer)
    _run([*pip, "-r", str(requirements_of(peer))], peer)
    stamp.write_text(digest)
    return python


def _run(command: list[str], peer: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        said = [line for line in done.stderr.splitlines() if not line.startswith("WARNING")]
        raise NoEnvironment(f"{peer} can't be installed: {' '.join(said[-4:])[-600:] or done.stdout[-600:]}")
