"""A move of the cache that has not proved itself yet: kept, or taken back.

The remembered choice says whose move it is, so that one whose job ended with its process stays in force for
nobody.
"""

import logging
from pathlib import Path

from services.worker.models.hub.cache_folder import OWN_FOLDER, apply_cache_folder
from services.worker.models.hub.other_caches import is_whole
from services.worker.running_job import RunningJob
from shared.cache_choice import CacheChoice, ChoiceBefore, read_choice, write_choice
from shared.messages.message import Message, say
from shared.messages.render import in_english
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


def roll_back(settings: Settings, job: RunningJob) -> Path:
    """Put the cache back where it was before this job's move; returns its folder now.

    What was copied stays on the storage, and is named if nothing is lost with it.
    """
    choice = present_choice(settings)
    if (before := choice.before) is not None:
        copy = _spare_copy(before)
        message = (
            say("cache-back-and-copy-left", cache=before.folder, copy=copy)
            if copy
            else say("cache-back", cache=before.folder)
        )
        _restore(choice, before, message, settings, job)
    return apply_cache_folder(settings).folder


def take_back_untried_move(job_id: str, settings: Settings, job: RunningJob) -> None:
    """Before a job begins: put the cache back after a move whose job had no time to load from there.

    That job was cancelled or failed after its worker had died, or it is this one, which moves again.
    """
    choice = present_choice(settings)
    if (before := choice.before) is None:
        return
    message = _taken_back(before, choice.folder, job_id)
    logger.warning("%s", in_english(message))
    _restore(choice, before, message, settings, job)


def _taken_back(before: ChoiceBefore, moved_to: str, job_id: str) -> Message:
    if before.job is None:
        return say("cache-back-after-some-job", cache=before.folder, moved_to=moved_to)
    if before.job == job_id:
        return say("cache-back-after-earlier-attempt", cache=before.folder, moved_to=moved_to)
    return say("cache-back-after-job", cache=before.folder, moved_to=moved_to, job=before.job)


def _restore(
    choice: CacheChoice, before: ChoiceBefore, message: Message, settings: Settings, job: RunningJob
) -> None:
    """What later jobs downloaded into the place that is left is still found there."""
    earlier = [name for name in dict.fromkeys((*before.earlier, choice.folder)) if name != before.folder]
    write_choice(settings, CacheChoice(storage=before.storage, folder=before.folder, earlier=tuple(earlier)))
    apply_cache_folder(settings)  # first, for the event raises where the job was cancelled
    job.event(message, data={"code": "cache_rolled_back", "folder": before.folder})


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
