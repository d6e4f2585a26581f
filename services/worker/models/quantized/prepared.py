"""The base model by the shortest way: from its nf4 artifact; else from the checkpoint, and one is made."""

import shutil
import time
from pathlib import Path

import torch

from services.worker.models.families.abilities import Abilities, skeleton_of
from services.worker.models.families.blueprint import choose_blueprint
from services.worker.models.families.fit import require_fit
from services.worker.models.families.look import read_config
from services.worker.models.families.tokenizer import load_tokenizer
from services.worker.models.files.pickle_conversion import verify_conversion
from services.worker.models.hub.model_places import ModelFiles
from services.worker.models.load import LoadedModel, load_base_model, make_ready
from services.worker.models.memory import out_of_memory_explained, refuse_what_cannot_fit
from services.worker.models.quantized.nf4_artifact import (
    WEIGHTS_NAME,
    find_nf4,
    is_disk_full,
    lack_of_space,
    save_nf4,
)
from services.worker.models.quantized.nf4_load import ArtifactUnusable, load_nf4, why_unusable
from services.worker.models.reading.phases import LoadPhases
from services.worker.running_job import RunningJob
from shared.messages.message import say


def load_prepared(
    files: ModelFiles,
    *,
    dtype: torch.dtype,
    device: torch.device,
    artifacts: Path,
    job: RunningJob,
    for_chat: bool = False,
) -> LoadedModel:
    """Load the model in `files` in nf4 from its artifact in the folder `artifacts`, which is made if missing.

    An artifact that can't be used is told, thrown away and made anew from the checkpoint. A disk too full for
    one is told and costs only the time that it would have saved. What was converted from pickles is verified
    before it is quantized: the artifact would keep its damage for good. Raises JobFailed as `load_base_model`
    and `convert_pickles`.
    """
    if folder := find_nf4(files.folder, files.name, dtype, artifacts):
        try:
            return load_copy(folder, files, dtype=dtype, device=device, job=job, for_chat=for_chat)
        except (ArtifactUnusable, OSError) as error:
            job.event(
                say("prepared-copy-remade", model=files.name, error=why_unusable(error)),
                level="warn",
                data={"code": "artifact_rejected", "folder": str(folder)},
            )
            throw_away_if_bad(folder, error)
    if files.conversion is not None:
        verify_conversion(files.conversion, files.name, job)
    loaded = load_base_model(
        files, quantization="nf4", dtype=dtype, device=device, job=job, for_chat=for_chat
    )
    if not loaded.was_quantized:
        _save(loaded, dtype, artifacts, job)
    return loaded


def throw_away_if_bad(folder: Path, error: Exception) -> None:
    """Delete an artifact that is proven bad; a disk that did not answer for once says nothing about it."""
    if isinstance(error, ArtifactUnusable) or not (folder / WEIGHTS_NAME).is_file():
        shutil.rmtree(folder, ignore_errors=True)


def load_copy(
    folder: Path,
    files: ModelFiles,
    *,
    dtype: torch.dtype,
    device: torch.device,
    job: RunningJob,
    for_chat: bool = False,
) -> LoadedModel:
    """The model in `files` from its artifact in `folder`. Raises ArtifactUnusable, OSError, JobFailed."""
    phases = LoadPhases(device)
    path = folder / WEIGHTS_NAME
    with phases.time("resolve"):
        job.progress("resolving", model=files.name)
        config = read_config(files.folder)
        blueprint = choose_blueprint(config)
        abilities = Abilities.of(blueprint, skeleton_of(blueprint), dtype, nf4=True)
        refuse_what_cannot_fit(path.stat().st_size, device)
        tokenizer = load_tokenizer(files.folder, config)
        require_fit(tokenizer, abilities, job, for_chat=for_chat)
    with out_of_memory_explained(device):
        model = load_nf4(folder, dtype, phases, job)
    make_ready(model)
    return LoadedModel(
        model=model,
        tokenizer=tokenizer,
        files=files,
        quantization="nf4",
        device=device,
        phase_seconds=phases.finish(),
        weight_bytes=path.stat().st_size,
        opened_files=[path],
        family=blueprint.family,
        from_artifact=True,
        abilities=abilities,
    )


def _save(loaded: LoadedModel, dtype: torch.dtype, artifacts: Path, job: RunningJob) -> None:
    started = time.monotonic()
    try:
        folder = save_nf4(loaded, dtype, artifacts, job)
    except OSError as error:
        if not is_disk_full(error):
            raise
        job.event(
            say("no-copy-kept", model=loaded.files.name, lack=lack_of_space(error)),
            level="warn",
            data={"code": "artifact_skipped"},
        )
        return
    size_bytes = (folder / WEIGHTS_NAME).stat().st_size
    job.event(
        say("copy-kept", model=loaded.files.name, copy_bytes=size_bytes),
        data={"code": "artifact_saved", "folder": str(folder), "seconds": time.monotonic() - started},
    )
