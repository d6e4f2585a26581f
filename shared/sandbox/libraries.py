"""The files a Python process needs whatever it does: interpreter, libraries, some facts of the machine."""

import os
import site
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

PROJECT_ROOT = Path(__file__).resolve().parent.parent.parent
# The linker's, and what numerical libraries ask of the machine; /proc/self is this process and no other.
_SYSTEM = (
    "/lib", "/lib32", "/lib64", "/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/libexec", "/etc/ld.so.cache",
    "/usr/share/zoneinfo", "/dev/urandom", "/dev/random", "/dev/zero", "/proc/self", "/proc/cpuinfo",
    "/proc/meminfo", "/proc/stat", "/proc/sys/vm", "/proc/sys/kernel/random", "/sys/devices/system",
)  # fmt: skip


def library_paths() -> list[Path]:
    """What of that there is, files and folders; never a folder that our data may lie in."""
    found = dict.fromkeys(_candidates())
    return [path for path in found if _is_there(path) and not PROJECT_ROOT.is_relative_to(path)]


def _candidates() -> Iterator[Path]:
    yield PROJECT_ROOT / "shared"
    yield from map(Path, _SYSTEM)
    for entry in (*sys.path, *site.getsitepackages(), *_of_the_interpreter(), *_named()):
        if entry:
            yield Path(entry).resolve()


def _is_there(path: Path) -> bool:
    try:
        path.stat()
    except OSError:  # closed to us, or gone
        return False
    return True


def _of_the_interpreter() -> Iterator[str]:
    for name in ("stdlib", "platstdlib", "purelib", "platlib"):
        yield sysconfig.get_path(name)
    yield sysconfig.get_config_var("LIBDIR") or ""


def _named() -> list[str]:
    return os.environ.get("LD_LIBRARY_PATH", "").split(os.pathsep)
