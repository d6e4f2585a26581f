"""The move of the hub's cache to another storage, kept only if loads from there are no slower."""

from services.worker.diagnosis import predictions
from services.worker.diagnosis.applied import AppliedRemedy
from services.worker.diagnosis.facts import TrialLoad
from services.worker.loading.cache_move import (
    keep_move,
    move_model_cache,
    refuse_what_can_not_move,
    roll_back,
)
from services.worker.loading.hub_cache import ModelPlaces, locate_model
from services.worker.preparing.course import Course, inspected, limit_seconds

SLOWER = 1.1  # a load that takes so much longer from its new place is better off in the old one


def move_cache(course: Course, storage: str) -> None:
    """Move the model's cache and load it cold from there; back, if that takes longer than before."""
    refuse_what_can_not_move(course.files, course.settings)
    before, facts = course.load_checkpoint(), course.facts
    target = facts.target(storage)
    predicted = predictions.from_target(facts, target) if target else None
    moved = move_model_cache(course.files, storage, course.settings, course.report)
    measured: TrialLoad | None = None
    note: str | None = "it was there already"
    if moved.new_folder != moved.old_folder:
        measured, note = _tried(course, before)
    course.applied.append(
        AppliedRemedy(
            remedy="move_cache",
            action=f"moved the model's cache from {moved.old_folder} to {moved.new_folder}",
            storage=storage,
            before_seconds=before.total_seconds,
            predicted_seconds=predicted,
            measured_seconds=measured.total_seconds if measured else None,
            limit_seconds=limit_seconds(facts.checkpoint.opened_bytes, target),
            note=note,
        )
    )


def _tried(course: Course, before: TrialLoad) -> tuple[TrialLoad, str | None]:
    """A cold load from the new place, after which the move is kept or taken back."""
    files, facts = course.files, course.facts
    places = ModelPlaces.of(course.settings)
    try:
        course.files = locate_model(files.name, files.revision, places, report=course.report)
        course.facts = inspected(course.files, facts.wanted_revision, course.settings, course.report)
        measured = course.load_checkpoint()
    except BaseException:  # a cancel, too: what was not tried is not kept
        roll_back(course.settings, course.report)
        raise
    if measured.total_seconds > SLOWER * before.total_seconds:
        course.residency.evict()
        roll_back(course.settings, course.report)
        course.files, course.facts = files, facts
        return measured, "the load took longer from there, so the cache was put back where it was"
    keep_move(course.settings)
    return measured, None
