"""A move of the cache that has not proved itself yet: kept, or taken back.

The remembered choice says whose move it is, so that one whose job ended with its process stays in force for
nobody.
"""

import logging
from pathlib import Path

from services.worker.models.hub.cache_folder import OWN_FOLDER, apply_cache_folder
from services.worker.models.hub.other_caches import is_whole
from services.worker.report import Report
from shared.cache_choice import CacheChoice, ChoiceBefore, read_choice, write_choice
from shared.settings import OWN_CACHE, Settings

logger = logging.getLogger(__name__)


def present_choice(settings: Settings) -> CacheChoice:
    """The remembered choice; that of the environment where there is none, or none that can be read."""
    try:
        choice = read_choice(settings)
    except (OSError, ValueError):  # told already, when the cache's folder was looked up
        choice = None
    return choice or CacheChoice(storage=OWN_CACHE, folder=str(OWN_FOLDER))


def keep_move(settings: Settings) -> None:
    """Say that the cache's new place has proved itself: nothing takes it back from now on."""
    choice = present_choice(settings)
    if choice.before is not None:
        write_choice(settings, choice.model_copy(update={"before": None}))


def roll_back(settings: Settings, report: Report) -> Path:
    """Put the cache back where it was before this job's move; returns its folder now.

    What was copied stays on the storage, and is named if nothing is lost with it.
    """
    choice = present_choice(settings)
    if (before := choice.before) is not None:
        copy = _spare_copy(before)
        end = f"; the copy that this job made, {copy}, can be deleted" if copy else ""
        _restore(choice, before, f"The cache is back in {before.folder}{end}", settings, report)
    return apply_cache_folder(settings).folder


def take_back_untried_move(job_id: str, settings: Settings, report: Report) -> None:
    """Before a job begins: put the cache back after a move whose job had no time to load from there.

    That job was cancelled or failed after its worker had died, or it is this one, which moves again.
    """
    choice = present_choice(settings)
    if (before := choice.before) is None:
        return
    whose = "an earlier job" if before.job is None else f"job {before.job}"
    whose = "an earlier attempt of this job" if before.job == job_id else whose
    message = (
        f"The cache is back in {before.folder}: {whose} moved it to {choice.folder} and ended before the "
        "model was loaded from there"
    )
    logger.warning("%s", message)
    _restore(choice, before, message, settings, report)


def _restore(
    choice: CacheChoice, before: ChoiceBefore, message: str, settings: Settings, report: Report
) -> None:
    """What later jobs downloaded into the place that is left is still found there."""
    earlier = [name for name in dict.fromkeys((*before.earlier, choice.folder)) if name != before.folder]
    write_choice(settings, CacheChoice(storage=before.storage, folder=before.folder, earlier=tuple(earlier)))
    apply_cache_folder(settings)  # first, for the event raises where the job was cancelled
    report.event(message, data={"code": "cache_rolled_back", "folder": before.folder})


def _spare_copy(before: ChoiceBefore) -> Path | None:
    """The model's own folder in the place that is left: made by the move, and nothing else in it.

    None too where what it was copied from is gone, for then it is the only copy.
    """
    if before.made_entry is None or before.copied_from is None:
        return None
    entry, source = Path(before.made_entry), Path(before.copied_from)
    try:
        commits = [path.name for path in (entry / "snapshots").iterdir()]
    except OSError:
        return None
    return entry if commits == [source.name] and is_whole(source) else None
