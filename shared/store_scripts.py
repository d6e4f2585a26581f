"""The store's scripts as they are sent."""

from functools import cache
from pathlib import Path

from shared.jobs import TRANSITIONS

_FOLDER = Path(__file__).parent / "job_scripts"


@cache
def script(name: str) -> str:
    """The Lua text of one change: the transition table of shared/jobs.py, what all share, the change."""
    pairs = ", ".join(f"['{start}>{end}'] = true" for start, ends in TRANSITIONS.items() for end in ends)
    common = (
        (_FOLDER / "_common.lua").read_text().replace("--TRANSITIONS--", f"local TRANSITIONS = {{{pairs}}}")
    )
    return f"{common}\n{(_FOLDER / f'{name}.lua').read_text()}"


def scripts() -> list[str]:
    """The names of all changes."""
    return sorted(path.stem for path in _FOLDER.glob("[a-z]*.lua"))
