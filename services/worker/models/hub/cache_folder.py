"""Which folder models are cached in: the one of huggingface_hub's own variables, or where a move put it."""

import logging
import os
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import constants

from shared.cache_choice import cache_on, choice_file, move_to, read_choice, storage_names
from shared.messages.message import Message, say
from shared.messages.render import in_english
from shared.settings import OWN_CACHE, Settings

logger = logging.getLogger(__name__)

# As the variables say; read now, since `apply_cache_folder` puts another in its place.
OWN_FOLDER = Path(constants.HF_HUB_CACHE)
_applied: str | None = None


@dataclass(frozen=True)
class CacheFolder:
    """The cache in use; `earlier` are those before it that still exist, latest first.

    `problem` says why the cache is not where a move has put it.
    """

    folder: Path
    storage: str = OWN_CACHE
    earlier: tuple[Path, ...] = ()
    problem: Message | None = None


def find_cache_folder(settings: Settings) -> CacheFolder:
    """Where the cache is by the remembered choice, or by the environment where that can't be followed."""
    try:
        choice = read_choice(settings)
    except (OSError, ValueError) as error:
        unreadable = say("cache-choice-unreadable", file=choice_file(settings), error=_first_line(error))
        return CacheFolder(OWN_FOLDER, problem=unreadable)
    if choice is None:
        return CacheFolder(OWN_FOLDER)
    known = (*(Path(folder) for folder in (choice.folder, *choice.earlier)), OWN_FOLDER)
    folder = cache_on(choice.storage, settings)
    problem = None if choice.storage == OWN_CACHE else _problem(choice.storage, folder, settings)
    if folder is None or problem is not None:
        return CacheFolder(OWN_FOLDER, OWN_CACHE, _others(known, OWN_FOLDER), problem)
    return CacheFolder(folder, choice.storage, _others(known, folder))


def apply_cache_folder(settings: Settings) -> CacheFolder:
    """Make huggingface_hub use the remembered folder in this process, from its next call on."""
    global _applied
    found = find_cache_folder(settings)
    if found.problem is not None:
        logger.warning("%s The cache is %s.", in_english(found.problem), found.folder)
    if found.storage != OWN_CACHE or _applied is not None:
        # Its functions and those of transformers read the constant whenever they are called.
        constants.HF_HUB_CACHE = str(found.folder)
        _applied = found.storage if found.storage != OWN_CACHE else None
    return found


def applied_move() -> Message | None:
    """The move that decides on this process's cache, in words; None while the environment does."""
    return None if _applied is None else move_to(_applied)


def _problem(storage: str, folder: Path | None, settings: Settings) -> Message | None:
    if folder is None:
        return say("cache-storage-unnamed", storage=storage, storages=storage_names(settings))
    if not _is_folder(folder):
        return say("cache-storage-absent", storage=storage, folder=folder)
    return None


def _others(known: tuple[Path, ...], used: Path) -> tuple[Path, ...]:
    return tuple(folder for folder in dict.fromkeys(known) if folder != used and _is_folder(folder))


def _is_folder(path: Path) -> bool:
    return os.path.isdir(path)  # noqa: PTH112  (raises nothing)


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0]
