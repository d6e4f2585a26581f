"""Folders that carry hashes: adapters, checkpoints, copies of models. Every file of theirs is read."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from shared.adapters import OPTIMIZER
from shared.messages.render import in_english
from shared.repair.jobs import tell_model_is_gone
from shared.repair.on_disk import JobOnDisk
from shared.repair.scene import Scene
from shared.repair.trouble import Trouble
from shared.sealed_folder import MANIFEST, fault_in_hashes, manifest_of

OnRead = Callable[[int], None]


def fault_of(folder: Path, on_read: OnRead = lambda _: None) -> str:
    """Why a sealed folder is not whole, or nothing. An optimizer's state may be gone."""
    manifest = manifest_of(folder)
    if manifest is None or not manifest["files"]:
        return MANIFEST
    fault = fault_in_hashes(folder, on_read=on_read, spared=(OPTIMIZER,))
    return in_english(fault) if fault else ""


def checkpoint_troubles(scene: Scene, disk: JobOnDisk, on_read: OnRead) -> Iterator[Trouble]:
    """For a job that no worker has now."""
    for step, folder in disk.folder.checkpoints_by_step():
        if why := fault_of(folder, on_read):
            yield Trouble("checkpoint_damaged", f"{disk.id}, step {step}", partial(_take, scene, folder), why)


def adapter_troubles(scene: Scene, disk: JobOnDisk, on_read: OnRead) -> Iterator[Trouble]:
    """For a job that made a model which was not deleted."""
    published = disk.folder.published()
    faults = {folder: fault_of(folder, on_read) for folder in published}
    for folder, why in faults.items():
        if why:
            about = f"{disk.id}/{folder.name}"
            yield Trouble("adapter_damaged", about, partial(_take_adapter, scene, disk, folder), why)
    if not published:
        yield Trouble("adapter_lost", disk.id, partial(tell_model_is_gone, scene, disk.id))


def model_copy_troubles(scene: Scene, on_read: OnRead) -> Iterator[Trouble]:
    """Copies of base models in the data folder."""
    for manifest in sorted((scene.data_dir / "models").glob(f"*/{MANIFEST}")):
        if why := fault_of(manifest.parent, on_read):
            yield Trouble(
                "model_copy_damaged", manifest.parent.name, partial(_take, scene, manifest.parent), why
            )


def _take(scene: Scene, folder: Path) -> bool:
    """Unless it is whole by now, or gone: a running job writes checkpoints anew and drops old ones."""
    return bool(fault_of(folder)) and scene.set_aside(folder)


def _take_adapter(scene: Scene, disk: JobOnDisk, folder: Path) -> bool:
    if not _take(scene, folder):
        return False
    return True if disk.folder.published() else tell_model_is_gone(scene, disk.id)
