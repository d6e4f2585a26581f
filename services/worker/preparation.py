"""`model_preparation`: makes the quickly loaded copy of a base model, and measures what it brought."""

import time
from pathlib import Path

from services.worker.diagnosis.read_speed import measure_read_speed
from services.worker.failures import FailureCode, JobFailed
from services.worker.loading.cached_pages import make_cold
from services.worker.loading.hub_cache import ModelFiles, ModelPlaces, locate_model, resolve_model
from services.worker.loading.load import LoadedModel
from services.worker.loading.nf4_artifact import (
    WEIGHTS_NAME,
    find_nf4,
    is_disk_full,
    save_nf4,
)
from services.worker.loading.weight_files import find_weights
from services.worker.report import Report
from services.worker.residency import DTYPE, Residency
from shared.schemas import Frozen, ModelPreparationRequest
from shared.settings import Settings


class PreparedLoad(Frozen):
    """Seconds of cold loads; null where there was nothing to measure.

    `predicted_seconds`: the copy's bytes at the storage's rate, and what of the load before was neither
    reading nor quantizing. `limit_seconds`: the bytes at that rate alone.
    """

    before_seconds: float | None = None
    predicted_seconds: float | None = None
    after_seconds: float | None = None
    limit_seconds: float | None = None


class Preparation(Frozen):
    """The record's result. `artifact` is null for a checkpoint that holds 4-bit weights itself."""

    model: str
    artifact: str | None
    converted: bool
    source_bytes: int
    artifact_bytes: int | None = None
    save_seconds: float | None = None
    load: PreparedLoad = PreparedLoad()


def prepare(
    request: ModelPreparationRequest, *, settings: Settings, residency: Residency, report: Report
) -> Preparation:
    """Convert pickles, keep the model as quantized, and load it cold from there; it stays in memory.

    What exists and verifies is not made again. Raises JobFailed as a load does, and DISK_FULL.
    """
    files, converted = _files(request, settings, report)
    artifacts = settings.data_dir / "models"
    weights = find_weights(files.folder)
    residency.evict()
    before, save_seconds = None, None
    folder = find_nf4(files.folder, files.name, DTYPE, artifacts)
    if folder is None:
        before = _load_cold(files, weights.files, residency, report, from_checkpoint=True)
        if before.was_quantized:
            return Preparation(
                model=files.name, artifact=None, converted=converted, source_bytes=weights.bytes
            )
        started = time.monotonic()
        folder = _save(before, artifacts, report)
        save_seconds = time.monotonic() - started
    path = folder / WEIGHTS_NAME
    rate = measure_read_speed([path], tick=lambda: report.progress("measuring")).limit_bytes_per_second
    limit = path.stat().st_size / rate if rate else None
    after = _load_cold(files, (path,), residency, report)
    return Preparation(
        model=files.name,
        artifact=folder.name,
        converted=converted,
        source_bytes=weights.bytes,
        artifact_bytes=path.stat().st_size,
        save_seconds=save_seconds,
        load=PreparedLoad(
            before_seconds=_seconds(before) if before else None,
            predicted_seconds=_fixed_seconds(before) + limit if before and limit else None,
            after_seconds=_seconds(after),
            limit_seconds=limit,
        ),
    )


def _files(request: ModelPreparationRequest, settings: Settings, report: Report) -> tuple[ModelFiles, bool]:
    name = request.model or settings.default_model
    located = locate_model(
        name,
        request.revision,
        ModelPlaces.of(settings),
        report=report,
    )
    pickled = find_weights(located.folder).form == "bin"
    if pickled and not request.convert_pickle:
        raise JobFailed(
            FailureCode.MODEL_REFUSED,
            f"{name!r} has `.bin` weights only, which are never opened as they are",
            "leave out `convert_pickle`, so that they are converted in a sandbox first",
        )
    # What was found a moment ago is there; this adds the licence's notice and the conversion.
    files = resolve_model(
        name,
        request.revision,
        ModelPlaces.of(settings),
        report=report,
    )
    return files, pickled


def _load_cold(
    files: ModelFiles,
    weights: tuple[Path, ...],
    residency: Residency,
    report: Report,
    *,
    from_checkpoint: bool = False,
) -> LoadedModel:
    residency.evict()
    for path in weights:
        make_cold(path)
    return residency.base(files, report, from_checkpoint=from_checkpoint)[0]


def _save(loaded: LoadedModel, artifacts: Path, report: Report) -> Path:
    try:
        return save_nf4(loaded, DTYPE, artifacts, report)
    except OSError as error:
        if not is_disk_full(error):
            raise
        raise JobFailed(
            FailureCode.DISK_FULL,
            f"there is too little space for the quantized copy: {error.strerror}",
            f"free space in {artifacts}, or move TUNEDOCK_DATA_DIR to a larger disk",
        ) from error


def _seconds(loaded: LoadedModel) -> float:
    return sum(loaded.phase_seconds.values())


def _fixed_seconds(loaded: LoadedModel) -> float:
    return loaded.phase_seconds["resolve"] + loaded.phase_seconds["rest"]
