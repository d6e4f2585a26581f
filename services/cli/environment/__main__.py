"""What the launcher runs: ``ready ARGUMENTS`` tells whether `.venv` serves a command, ``build ARGUMENTS``
makes it so and goes on with the command."""

import os
import sys
from pathlib import Path

from services.cli.environment import stamps

ROOT = Path(__file__).resolve().parents[3]
PACKAGES_MISSING = 75  # also in ./tunedock: the environment is sound, set-up has packages to install


def ready(arguments: list[str]) -> int:
    """0: go on. 75: this Python may build on. 1: another Python must start the environment anew."""
    if not stamps.is_sound(ROOT, sys.implementation.cache_tag, os.environ.get("TUNEDOCK_TORCH_INDEX")):
        return 1
    complete = all(stamps.is_installed(ROOT, part) for part in stamps.parts_for(arguments))
    return 0 if complete else PACKAGES_MISSING


def build(arguments: list[str]) -> int:
    """Builds what is missing and becomes the command; returns only when that is impossible."""
    from services.cli.environment.installation import Installation
    from services.cli.environment.obstacles import Interrupted, Obstacle
    from services.cli.environment.progress import Progress
    from services.cli.environment.sentences import say

    installation = Installation(ROOT, os.environ.get("TUNEDOCK_TORCH_INDEX"), Progress(sys.stderr))
    try:
        installation.complete(stamps.parts_for(arguments))
    except Obstacle as obstacle:
        print(f"tunedock: {obstacle}", file=sys.stderr)
        return 1
    except (Interrupted, KeyboardInterrupt):
        print(f"tunedock: {say('set-up-interrupted')}", file=sys.stderr)
        return 130
    python = stamps.python_of(ROOT)
    os.execv(python, [str(python), "-m", "services.cli", *arguments])


if __name__ == "__main__":
    sys.exit({"ready": ready, "build": build}[sys.argv[1]](sys.argv[2:]))
