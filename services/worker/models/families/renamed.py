"""All families that run as another one. Every other model runs as what its config.json says."""

from collections.abc import Mapping
from typing import Any

from services.worker.models.families.exaone import EXAONE
from services.worker.models.families.family import Family

FAMILIES: tuple[Family, ...] = (EXAONE,)  # their names are in shared/renamed_families.py, too
NATIVE = "native"


def family_of(config: Mapping[str, Any]) -> Family | None:
    """The family that a config.json describes."""
    return next((family for family in FAMILIES if family.describes(config)), None)


def architecture_of(family: Family | None) -> str:
    """What manifests and fingerprints call a model's family, for good."""
    return NATIVE if family is None else family.names.architecture
