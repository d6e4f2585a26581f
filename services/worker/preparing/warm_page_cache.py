"""The page cache warmed: the file that jobs load is read into memory in large pieces."""

from services.worker.diagnosis import predictions
from services.worker.diagnosis.trial_load import try_copy, try_load
from services.worker.preparing.course import Course
from shared.messages.message import say
from shared.reports.finding import AppliedRemedy


def warm_page_cache(course: Course) -> None:
    """Bring the file that jobs load into memory in large reads, and load it from there."""
    if course.copy is not None:
        predicted, before = predictions.from_warm_copy(course.facts), course.facts.prepared[0]
        run = try_copy(course.files, course.copy, cold=False, residency=course.residency, job=course.job)
        course.learn(prepared=(*course.facts.prepared, run))
    else:  # a checkpoint that is quantized itself
        predicted, before = predictions.without_storage(course.facts), course.load_checkpoint()
        run = try_load(course.files, cold=False, residency=course.residency, job=course.job, warm=True)
        course.learn(warm=run)
    course.applied.append(
        AppliedRemedy(
            remedy="warm_page_cache",
            action=say("warmed-page-cache"),
            before_seconds=before.total_seconds,
            predicted_seconds=predicted,
            measured_seconds=run.total_seconds,
            note=None if run.is_warm else say("no-room-in-memory"),
        )
    )
