"""Where an adapter's files lie in a job's folder, and how another job takes hold of them.

An adapter is a sealed folder that `peft` reads: what a job published, or one of its checkpoints. A job that
is to use one gets it under a name of its own when it is accepted, so that whatever made it may be deleted.
"""

import os
import shutil
from pathlib import Path

from shared.durable import fsync_path
from shared.job_folder import ADAPTERS, JobFolder
from shared.sealed_folder import manifest_of

CONFIG = "adapter_config.json"
WEIGHTS = "adapter_model.safetensors"
OPTIMIZER = "optimizer.safetensors"  # in a checkpoint of a job that may go on


def adapter_folder(job_folder: JobFolder, step: int | None = None) -> Path | None:
    """What a job published, or its checkpoint of `step`, with the names its base runs under; None if gone."""
    published = [job_folder.path / name for name in ADAPTERS]
    folders = published if step is None else [job_folder.checkpoint(step)]
    return next((folder for folder in folders if _is_whole(folder)), None)


def checkpoint_steps(job_folder: JobFolder) -> list[int]:
    """The steps of all checkpoints that can be used as adapters, oldest first."""
    return [step for step, folder in job_folder.checkpoints_by_step() if _is_whole(folder)]


def held_adapter(job_folder: JobFolder) -> Path | None:
    """The adapter that a job took hold of."""
    return job_folder.start if _is_whole(job_folder.start) else None


def hold(adapter: Path, job_folder: JobFolder) -> None:
    """Give `adapter` to the job of `job_folder`, durably: the same files by hard links where the disk can.

    An adapter's files are never changed in place, so both names stay good. Raises OSError.
    """
    folder = job_folder.start
    folder.mkdir()
    for file in adapter.iterdir():
        if file.name != OPTIMIZER:
            _link(file, folder / file.name)
    fsync_path(folder)


def _link(file: Path, name: Path) -> None:
    try:
        os.link(file, name)
    except FileNotFoundError:
        raise
    except OSError:  # a file system without hard links
        shutil.copyfile(file, name)
        fsync_path(name)


def _is_whole(folder: Path) -> bool:
    """Whether all is there that `peft` reads and the manifest names; what only resuming needs may be gone."""
    manifest = manifest_of(folder)
    if manifest is None:
        return False
    files = manifest["files"]
    wanted = {CONFIG, WEIGHTS, *files} - {OPTIMIZER}
    return {CONFIG, WEIGHTS} <= set(files) and all((folder / name).is_file() for name in wanted)
