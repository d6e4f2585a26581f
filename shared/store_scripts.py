"""The store's scripts as they are sent."""

from functools import cache
from pathlib import Path

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
