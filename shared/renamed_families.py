"""All model families that run here under another family's names; a new one is added here and in the worker.

The worker's part is in `services/worker/models/families/renamed.py`.
"""

from shared.exaone_names import EXAONE_NAMES
from shared.family_names import FamilyNames

RENAMED_FAMILIES: tuple[FamilyNames, ...] = (EXAONE_NAMES,)
RUN_UNDER = tuple(sorted({names.runs_under for names in RENAMED_FAMILIES}))


def names_of(architecture: str) -> FamilyNames | None:
    """The names of a manifest's `architecture`; None for one that runs under its own."""
    return next((names for names in RENAMED_FAMILIES if names.architecture == architecture), None)
