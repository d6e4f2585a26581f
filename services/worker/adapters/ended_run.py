"""What a run that has ended gives back to the disk: all that only another attempt at it could have used.

No torch here: the worker's main process sweeps, too.
"""

import shutil
from pathlib import Path
from typing import Any

from services.worker.machine.disk_full import is_disk_full
from shared import sealed_folder
from shared.adapters import OPTIMIZER
from shared.job_folder import JobFolder


def give_back(job_folder: JobFolder, *, has_succeeded: bool) -> int:
    """Drop the optimizer states of an ended job's checkpoints, its rendered rows, and what is half written.

    Each checkpoint stays a sealed folder with the adapter of its step. An adapter that no success tells of,
    since the worker died after it had published it and a cancel came first, goes too. Returns the bytes
    removed; 0 when nothing was left to remove. Call it only for a job that will never run again. Raises
    OSError.
    """
    freed = sum(_drop_optimizer(folder) for folder in job_folder.all_checkpoints())
    for path in [*job_folder.only_for_attempts(), *([] if has_succeeded else job_folder.published())]:
        size = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
        shutil.rmtree(path, ignore_errors=True)
        freed += size
    return freed


def has_optimizer(manifest: dict[str, Any]) -> bool:
    """Whether a checkpoint's manifest promises what a run needs to go on from it."""
    return OPTIMIZER in manifest.get("files", {})


def _drop_optimizer(checkpoint: Path) -> int:
    """First the manifest without it, then the file: wherever a crash falls, the folder verifies.

    On a disk that has no room even for a manifest the file goes first, and makes that room. Where the
    manifest is damaged, the state is of no use either.
    """
    path = checkpoint / OPTIMIZER
    size = path.stat().st_size if path.is_file() else 0
    try:
        sealed_folder.promise_no(checkpoint, OPTIMIZER)
    except OSError as error:
        if not is_disk_full(error):
            raise
        path.unlink(missing_ok=True)
        sealed_folder.promise_no(checkpoint, OPTIMIZER)
    path.unlink(missing_ok=True)
    return size
