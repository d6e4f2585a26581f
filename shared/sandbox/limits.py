"""What a sandboxed process may use, and how it binds itself to that."""

import resource
import sys
from collections.abc import Sequence
from dataclasses import dataclass

JsonValue = None | bool | int | float | str | Sequence["JsonValue"] | dict[str, "JsonValue"]

MIB, GIB = 1024**2, 1024**3


@dataclass(frozen=True)
class SandboxLimits:
    """Bounds of one run; `memory_bytes` is address space, which torch and pyarrow reserve far beyond use.

    `data_bytes` is what may be written to in memory, mapped files that are not shared included; None: no
    bound of its own.
    """

    wall_seconds: float = 60.0
    cpu_seconds: int = 60
    memory_bytes: int = 4 * GIB
    data_bytes: int | None = None
    file_bytes: int = 1 * GIB
    open_files: int = 64


def bind_resources(limits: SandboxLimits) -> None:
    """Lower this process's own limits for good; never above what it already had."""
    _lower(resource.RLIMIT_CORE, 0)
    _lower(resource.RLIMIT_CPU, limits.cpu_seconds, grace=1)  # SIGXCPU first, so that the parent can tell why
    _lower(resource.RLIMIT_FSIZE, limits.file_bytes)
    _lower(resource.RLIMIT_NOFILE, limits.open_files)
    if sys.platform == "linux":  # elsewhere the system's own libraries can exceed any useful bound
        _lower(resource.RLIMIT_AS, limits.memory_bytes)
        if limits.data_bytes is not None:
            _lower(resource.RLIMIT_DATA, limits.data_bytes)


def _lower(kind: int, wanted: int, grace: int = 0) -> None:
    _, hard = resource.getrlimit(kind)
    bound = wanted + grace if hard == resource.RLIM_INFINITY else min(wanted + grace, hard)
    resource.setrlimit(kind, (min(wanted, bound), bound))
