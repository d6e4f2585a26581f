"""What can keep set-up from going on, each said with the value seen and what to do about it."""

import platform
import re
import sys
from pathlib import Path

GB = 1_000_000_000
_PYTHON = f"Python {platform.python_version()} on {platform.system()} {platform.machine()}"


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
        raise Obstacle(
            f"Python {platform.python_version()} ({sys.executable}) can't make environments: it lacks the "
            f"modules `venv` and `ensurepip`. On Debian and Ubuntu: apt install {package}. "
            "Or name a Python that already has Tunedock's packages in TUNEDOCK_PYTHON."
        ) from None


def require_space(folder: Path, free_bytes: int, needed_bytes: int) -> None:
    if free_bytes < needed_bytes:
        raise Obstacle(
            f"{folder} has {free_bytes / GB:.1f} GB free; set-up needs {needed_bytes / GB:.1f} GB there. "
            "Free some space, or move the project to a larger disk."
        )


def require_own(folder: Path, ours: bool) -> None:
    if folder.exists() and not ours and any(folder.iterdir()):
        raise Obstacle(
            f"{folder} exists and was not made by ./tunedock, so it is left alone. Move it away, or name its "
            "Python in TUNEDOCK_PYTHON."
        )


def from_pip(output: str, log: Path) -> Obstacle:
    """Why pip failed, read from what it printed; `log` has all of it."""
    for pattern, explain in _EXPLANATIONS:
        if found := re.search(pattern, output):
            return Obstacle(f"{explain(found)} (pip's own words: {log})")
    last = "\n".join(f"  {line}" for line in output.strip().splitlines()[-8:])
    return Obstacle(f"pip failed; its whole output is in {log}. The end of it:\n{last}")


def _no_space(found: re.Match[str]) -> str:
    return (
        "The disk became full while packages were unpacked. Besides the project's own disk, pip uses the "
        "folder of TMPDIR and its cache (PIP_CACHE_DIR); free some space or name others, then call again."
    )


def _no_compiler(found: re.Match[str]) -> str:
    return (
        f"A package has no ready build for {_PYTHON}, and building it failed. Use Python 3.11 to 3.14 on "
        "Linux (x86-64, arm64) or macOS (arm64), where every package is ready; or install a C compiler and "
        "Python's headers (Debian: apt install build-essential python3-dev) and call again."
    )


def _no_network(found: re.Match[str]) -> str:
    return (
        f"The package registry could not be reached ({found[0]}). Check the network, the proxy variables and "
        "pip's settings (`pip config list`), then call again: what was fetched is kept."
    )


def _no_release(found: re.Match[str]) -> str:
    return (
        f"The package registry offers no {found[1]} for {_PYTHON}. Use Python 3.11 to 3.14 on Linux "
        "(x86-64, arm64) or macOS (arm64); with an index of your own, see that it has this version."
    )


def _other_file(found: re.Match[str]) -> str:
    return (
        f"The file that was fetched for {found[1]} is none of those that requirements/ names: its SHA-256 is "
        f"{found[2]}. It was not installed. It may have been damaged on the way: call again. If this stays, "
        "the index (`pip config list`) has another file under this name: find out why before you install it."
    )


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
