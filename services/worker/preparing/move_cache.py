"""The move of the hub's cache to another storage, kept unless reading from there takes longer."""

from services.worker.diagnosis import predictions
from services.worker.models.files.weight_files import find_weights
from services.worker.models.hub.cache_move import (
    MovedCache,
    move_model_cache,
    refuse_what_can_not_move,
    tell_old_copy,
)
from services.worker.models.hub.model_places import ModelFiles, ModelPlaces
from services.worker.models.hub.resolve import locate_model
from services.worker.models.hub.untried_move import keep_move, roll_back
from services.worker.preparing.course import Course, inspected, limit_seconds
from shared.messages.message import Message, say
from shared.reports.finding import AppliedRemedy
from shared.reports.load_facts import TrialLoad

SLOWER = 1.1  # a load that reads for so much longer in its new place is better off in the old one
NOISE_SECONDS = 0.5  # by which two loads from the same place may differ; nobody moves a cache for less


def move_cache(course: Course, storage: str) -> None:
    """Move the model's cache and load it cold from there; back, if reading takes longer than before."""
    refuse_what_can_not_move(course.files, course.settings)
    before, facts = course.load_checkpoint(), course.facts
    target = facts.target(storage)
    predicted = predictions.from_target(facts, target) if target else None
    moved = move_model_cache(course.files, storage, course.settings, course.job, job_id=course.job_id)
    measured, note = _tried(course, before, moved)
    course.applied.append(
        AppliedRemedy(
            remedy="move_cache",
            action=_action(moved),
            storage=storage,
            before_seconds=before.total_seconds,
            predicted_seconds=predicted,
            measured_seconds=measured.total_seconds if measured else None,
            limit_seconds=limit_seconds(facts.checkpoint.opened_bytes, target),
            note=note,
        )
    )


def reads_slower(before: TrialLoad, after: TrialLoad) -> bool:
    """Whether `after` read for longer from storage than `before`, by more than noise.

    Of a load's phases a move changes no others: quantizing and the rest vary by more than many a disk.
    """
    return after.reading_seconds > SLOWER * before.reading_seconds + NOISE_SECONDS


def _tried(course: Course, before: TrialLoad, moved: MovedCache) -> tuple[TrialLoad | None, Message]:
    """A cold load from the new place, after which the move is kept or taken back; and a note on that."""
    files, facts = course.files, course.facts
    if moved.copied_from is None:  # a load from there is what `before` is
        keep_move(course.settings)
        return None, say("was-there-already")
    try:
        measured = _load_from_new_place(course)
    except BaseException:  # a cancel, too: what was not tried is not kept
        course.files, course.facts = files, facts
        roll_back(course.settings, course.job)
        raise
    read = say(
        "reading-before-and-after",
        before_seconds=before.reading_seconds, after_seconds=measured.reading_seconds,
    )  # fmt: skip
    if same_disk(files, course.files):
        note = say("same-disk-no-gain", reading=read)
    elif not reads_slower(before, measured):
        note = read
    elif not moved.switched:  # other models are used from there, so the cache stays
        return measured, say("stays-where-cache-was", reading=read, folder=moved.new_folder)
    else:
        course.residency.evict()
        course.files, course.facts = files, facts
        roll_back(course.settings, course.job)
        return measured, say("put-back", reading=read)
    keep_move(course.settings)
    tell_old_copy(moved, course.job)
    return measured, note


def _load_from_new_place(course: Course) -> TrialLoad:
    files, wanted_revision = course.files, course.facts.wanted_revision
    places = ModelPlaces.of(course.settings)
    course.files = locate_model(files.name, files.revision, places, job=course.job)
    course.facts = inspected(course.files, wanted_revision, course.settings, course.job)
    return course.load_checkpoint()


def same_disk(one: ModelFiles, other: ModelFiles) -> bool:
    """Whether the weights of both lie on the same filesystem, so that what differs is noise."""
    first, second = (find_weights(files.folder).files[0].resolve().stat().st_dev for files in (one, other))
    return first == second


def _action(moved: MovedCache) -> Message:
    if moved.copied_from is not None and not moved.switched:
        return say("copied-model-to-cache", old_folder=moved.old_folder, new_folder=moved.new_folder)
    if moved.old_folder == moved.new_folder:
        return say("left-cache-in", folder=moved.new_folder)
    return say("moved-cache-to", old_folder=moved.old_folder, new_folder=moved.new_folder)
