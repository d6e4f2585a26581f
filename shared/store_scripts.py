"""The store's scripts as they are sent, and its client's errors as ours."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import redis

from shared.errors import StoreUnavailable
from shared.jobs import TRANSITIONS


@cache
def script(name: str) -> str:
    """The Lua text of one change: the transition table of shared/jobs.py, what all share, the change."""
    folder = Path(__file__).parent / "job_scripts"
    pairs = ", ".join(f"['{start}>{end}'] = true" for start, ends in TRANSITIONS.items() for end in ends)
    common = (
        (folder / "_common.lua").read_text().replace("--TRANSITIONS--", f"local TRANSITIONS = {{{pairs}}}")
    )
    return f"{common}\n{(folder / f'{name}.lua').read_text()}"


@contextmanager
def store_errors() -> Iterator[None]:
    """Away, loading, full or read-only becomes `StoreUnavailable`; a fault of a script stays one."""
    try:
        yield
    except (redis.ConnectionError, redis.TimeoutError, redis.exceptions.ClusterDownError) as error:
        raise StoreUnavailable("The job store does not answer; nothing was changed for certain.") from error
    except redis.ResponseError as error:
        if str(error).split(" ")[0] in {"OOM", "MISCONF", "LOADING", "READONLY", "BUSY", "MASTERDOWN"}:
            raise StoreUnavailable("The job store refuses writes for now; its log says why.") from error
        raise
