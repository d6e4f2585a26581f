"""The prepared copy: made if there is none that works, and loaded cold to see what it brings."""

import time

from services.worker.diagnosis import predictions
from services.worker.diagnosis.trial_load import try_copy
from services.worker.failures import FailureCode, JobFailed
from services.worker.models.quantized.nf4_artifact import WEIGHTS_NAME, is_disk_full, lack_of_space, save_nf4
from services.worker.models.quantized.nf4_load import ArtifactUnusable, why_unusable
from services.worker.models.quantized.prepared import throw_away_if_bad
from services.worker.models.residency import DTYPE
from services.worker.preparing.course import Course, limit_seconds
from shared.messages.message import Message, say
from shared.reports.finding import AppliedRemedy
from shared.reports.model_files import PreparedCopy


def keep_copy(course: Course) -> None:
    """See that there is a prepared copy that works, and measure a cold load from it."""
    course.copy = course.residency.prepared_copy(course.files)
    if course.copy is not None:
        try:
            _measure_copy(course, before=None, predicted=None, action=say("copy-is-there"))
            return
        except (ArtifactUnusable, OSError) as error:
            course.job.event(
                say("prepared-copy-remade", model=course.files.name, error=why_unusable(error)),
                level="warn",
            )
            throw_away_if_bad(course.copy, error)
            course.copy = None
    before = course.load_checkpoint()
    predicted = predictions.from_copy(course.facts)
    _make_copy(course)
    if course.copy is not None:
        action = say("kept-copy", folder=course.copy)
        try:
            _measure_copy(course, before=before.total_seconds, predicted=predicted, action=action)
        except ArtifactUnusable as error:
            throw_away_if_bad(course.copy, error)
            raise JobFailed(
                FailureCode.MODEL_UNSUPPORTED,
                say("prepared-copy-unusable", model=course.files.name, error=error.said),
                say("use-model-without-copy"),
            ) from error


def _make_copy(course: Course) -> None:
    """Save the resident model, unless its checkpoint is quantized itself."""
    loaded = course.residency.peek(course.files)
    if loaded is None or loaded.was_quantized:
        return
    started, data_dir = time.monotonic(), course.settings.data_dir
    try:
        course.copy = save_nf4(loaded, DTYPE, course.artifacts, course.job)
    except OSError as error:
        if not is_disk_full(error):
            raise
        raise JobFailed(
            FailureCode.DISK_FULL,
            say("no-room-for-copy", error=lack_of_space(error)),
            say("free-data-folder", folder=data_dir),
        ) from error
    course.save_seconds = time.monotonic() - started


def _measure_copy(course: Course, *, before: float | None, predicted: float | None, action: Message) -> None:
    assert course.copy is not None
    size_bytes = (course.copy / WEIGHTS_NAME).stat().st_size
    run = try_copy(course.files, course.copy, cold=True, residency=course.residency, job=course.job)
    course.learn(copy_in_use=PreparedCopy(folder=str(course.copy), bytes=size_bytes), prepared=(run,))
    course.applied.append(
        AppliedRemedy(
            remedy="nf4_copy",
            action=action,
            before_seconds=before,
            predicted_seconds=predicted,
            measured_seconds=run.total_seconds,
            limit_seconds=limit_seconds(size_bytes, course.facts.target("data")),
        )
    )
