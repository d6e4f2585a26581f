"""Where an adapter's files lie in a job's folder, and how another job takes hold of them.

An adapter is a sealed folder that `peft` reads: what a job published, or one of its checkpoints. A job that
is to use one gets it under a name of its own when it is accepted, so that whatever made it may be deleted.
"""

import json
import os
import re
import shutil
from pathlib import Path

from shared.durable import fsync_path

HELD = "start"  # in the folder of the job that uses the adapter
CONFIG = "adapter_config.json"
WEIGHTS = "adapter_model.safetensors"
OPTIMIZER = "optimizer.safetensors"  # in a checkpoint of a job that may go on

_STEP = re.compile(r"step-(\d{1,12})")


def adapter_folder(job_folder: Path, step: int | None = None) -> Path | None:
    """What a job published, or its checkpoint of `step`, with the names its base runs under; None if gone."""
    names = ("adapter-llama", "adapter") if step is None else (f"checkpoints/step-{step}",)
    return next((job_folder / name for name in names if _is_whole(job_folder / name)), None)


def checkpoint_steps(job_folder: Path) -> list[int]:
    """The steps of all checkpoints that can be used as adapters, oldest first."""
    found = (_STEP.fullmatch(path.name) for path in job_folder.glob("checkpoints/step-*"))
    steps = sorted(int(match[1]) for match in found if match)
    return [step for step in steps if adapter_folder(job_folder, step)]


def held_adapter(job_folder: Path) -> Path | None:
    """The adapter that a job took hold of."""
    folder = job_folder / HELD
    return folder if _is_whole(folder) else None


def hold(adapter: Path, job_folder: Path) -> None:
    """Give `adapter` to the job of `job_folder`, durably: the same files by hard links where the disk can.

    An adapter's files are never changed in place, so both names stay good. Raises OSError.
    """
    folder = job_folder / HELD
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
    try:
        files = json.loads((folder / "manifest.json").read_bytes())["files"]
    except (OSError, ValueError, KeyError, TypeError):
        return False
    wanted = {CONFIG, WEIGHTS, *files} - {OPTIMIZER}
    return {CONFIG, WEIGHTS} <= set(files) and all((folder / name).is_file() for name in wanted)
