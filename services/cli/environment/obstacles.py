"""What can keep set-up from going on, each said with the value seen and what to do about it."""

import platform
import re
import sys
from pathlib import Path

from services.cli.environment.sentences import say

GB = 1_000_000_000
_PYTHON = f"Python {platform.python_version()}, {platform.system()} {platform.machine()}"


class Obstacle(Exception):
    """Set-up can't go on; the message is for the person who must act."""


class Interrupted(Exception):
    """Somebody asked set-up to stop (Ctrl-C or SIGTERM)."""


def require_venv_module() -> None:
    """Debian and Ubuntu ship Python without these two modules."""
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError:
        package = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
        version = platform.python_version()
        raise Obstacle(
            say("python-lacks-venv", version=version, program=sys.executable, package=package)
        ) from None


def require_space(folder: Path, free_bytes: int, needed_bytes: int) -> None:
    if free_bytes < needed_bytes:
        raise Obstacle(
            say(
                "too-little-space-to-set-up",
                folder=folder,
                free_bytes=free_bytes,
                needed_bytes=needed_bytes,
            )
        )


def require_own(folder: Path, ours: bool) -> None:
    if folder.exists() and not ours and any(folder.iterdir()):
        raise Obstacle(say("environment-of-others", folder=folder))


def from_pip(output: str, log: Path) -> Obstacle:
    """Why pip failed, read from what it printed; `log` has all of it."""
    for pattern, explain in _EXPLANATIONS:
        if found := re.search(pattern, output):
            return Obstacle(say("pip-failed-for-reason", reason=explain(found), file=log))
    last = "\n".join(f"  {line}" for line in output.strip().splitlines()[-8:])
    return Obstacle(say("pip-failed", file=log, lines=last))


def _no_space(found: re.Match[str]) -> str:
    return say("disk-full-while-unpacking")


def _no_compiler(found: re.Match[str]) -> str:
    return say("no-build-for-machine", python=_PYTHON)


def _no_network(found: re.Match[str]) -> str:
    return say("registry-not-reached", error=found[0])


def _no_release(found: re.Match[str]) -> str:
    return say("registry-lacks-version", package=found[1], python=_PYTHON)


def _other_file(found: re.Match[str]) -> str:
    return say("file-with-other-hash", package=found[1], sha256=found[2])


# In this order: an unreachable registry also ends in "No matching distribution", a full disk in either.
_EXPLANATIONS = [
    (r"No space left on device|Disk quota exceeded", _no_space),
    (
        r"error: command .* failed|Failed building wheel|Failed to build|metadata-generation-failed",
        _no_compiler,
    ),
    (
        r"NewConnectionError|NameResolutionError|name resolution|Name or service not known"
        r"|Connect(ion)?Timeout|Read timed out|ProxyError|CERTIFICATE_VERIFY_FAILED|SSLError"
        r"|Connection (refused|reset|aborted)"
        r"|Network is unreachable|(4|5)\d\d (Client|Server) Error",
        _no_network,
    ),
    (r"DO NOT MATCH THE HASHES[^\n]*\s+(\S+) [\s\S]*?Got +(\S+)", _other_file),
    (r"No matching distribution found for (\S+)", _no_release),
]
