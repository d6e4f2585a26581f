"""The base model as it is after quantizing, kept on disk: read instead of read, cast and quantized.

An artifact is an ordinary bitsandbytes checkpoint in one safetensors file, under the names that our own
classes use, with a manifest of its source and hashes. It lies in the data folder, one for each source folder.
"""

import errno
import shutil
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError
from safetensors.torch import save_file

from services.worker.machine.disk_full import is_disk_full as is_disk_full  # to those who call save_nf4
from services.worker.models.files.artifact import (
    building,
    only_one_builder,
    publish,
)
from services.worker.models.files.model_folder import CONFIG_PATTERNS, matches
from services.worker.models.files.pickle_conversion import artifact_name
from services.worker.models.files.weight_files import find_weights
from services.worker.running_job import RunningJob
from shared.messages.message import Message, say
from shared.messages.render import in_english
from shared.sealed_folder import manifest_of

if TYPE_CHECKING:
    from services.worker.models.load import LoadedModel

WEIGHTS_NAME = "model.safetensors"
ARTIFACT_KIND = "nf4"
SPARE_BYTES = 256 * 1024**2


def nf4_folder(source: Path, name: str, artifacts: Path) -> Path:
    """Where the artifact of the model in `source` lies in the folder `artifacts`."""
    return artifacts / artifact_name(source, name).replace("-safetensors-", f"-{ARTIFACT_KIND}-")


def find_nf4(source: Path, name: str, dtype: torch.dtype, artifacts: Path) -> Path | None:
    """The artifact of the files in `source` as they are now; None when there is none or it is outdated."""
    folder = nf4_folder(source, name, artifacts)
    manifest = manifest_of(folder)
    if manifest is None or manifest.get("made_from") != made_from(source, dtype):
        return None
    return folder if _same_classes(manifest) else None


def _same_classes(manifest: dict[str, Any]) -> bool:
    """Whether the artifact was made for the model classes of the installed transformers.

    By major and minor version: a patch does not change what a tensor means, and quantizing anew for each
    would cost minutes for nothing. The version is the manifest's own, so that older artifacts stay of use.
    """
    made_with = str((manifest.get("libraries") or {}).get("transformers"))
    return made_with.split(".")[:2] == version("transformers").split(".")[:2]


def made_from(source: Path, dtype: torch.dtype) -> dict[str, Any]:
    """What an artifact depends on: the source's files by size and time, and how they are quantized."""
    weights = find_weights(source)
    files = {file.name: file.stat() for file in (source / "config.json", *weights.files)}
    return {
        "files": {name: [found.st_size, found.st_mtime_ns] for name, found in files.items()},
        "quantization": {"type": "nf4", "double": True, "block": 64, "dtype": str(dtype)},
        "bitsandbytes": version("bitsandbytes"),
    }


def save_nf4(loaded: "LoadedModel", dtype: torch.dtype, artifacts: Path, job: RunningJob) -> Path:
    """Write the artifact of a base model that was just quantized, unless there is one; whole or not at all.

    The space is asked for first. Raises OSError (`is_disk_full`) when there is too little; leaves nothing.
    """
    source = loaded.files.folder
    folder = nf4_folder(source, loaded.files.name, artifacts)
    with only_one_builder(folder, job):
        if find_nf4(source, loaded.files.name, dtype, artifacts) is not None:
            return folder
        job.progress("saving the quantized model", model=loaded.files.name)
        described = made_from(source, dtype)
        state = _state(loaded)
        _require_space(artifacts, sum(tensor.nbytes for tensor in state.values()))
        with building(folder) as draft:
            _write(state, draft / WEIGHTS_NAME)
            loaded.model.config.save_pretrained(draft)
            for file in source.iterdir():
                if file.name != "config.json" and matches(file.name, CONFIG_PATTERNS) and file.is_file():
                    shutil.copyfile(file, draft / file.name)
            about = {
                "kind": ARTIFACT_KIND,
                "name": loaded.files.name,
                "revision": loaded.files.revision,
                "architecture": loaded.architecture,
                "made_from": described,
                "source": {"folder": str(source)},
            }
            publish(draft, folder, about)
    return folder


class NoRoomForCopy(OSError):
    """The artifact does not fit on its disk; nothing was written."""

    def __init__(self, said: Message) -> None:
        super().__init__(errno.ENOSPC, in_english(said))
        self.said = said


def lack_of_space(error: OSError) -> str | Message:
    """Of an error for which `is_disk_full`: in our words, or in the system's."""
    return error.said if isinstance(error, NoRoomForCopy) else str(error.strerror)


def _require_space(artifacts: Path, wanted_bytes: int) -> None:
    free = shutil.disk_usage(artifacts).free
    if free < wanted_bytes + SPARE_BYTES:
        raise NoRoomForCopy(
            say(
                "copy-does-not-fit",
                wanted_bytes=wanted_bytes,
                spare_bytes=SPARE_BYTES,
                free_bytes=free,
                folder=artifacts,
            )
        )


def _write(state: dict[str, torch.Tensor], path: Path) -> None:
    try:
        save_file(state, path, metadata={"format": "pt"})
    except SafetensorError as error:
        if not is_disk_full(error):
            raise
        raise OSError(errno.ENOSPC, str(error)) from error


def _state(loaded: "LoadedModel") -> dict[str, torch.Tensor]:
    """Everything that has to be read again, on the CPU; of tensors that are one, the first name."""
    seen: set[int] = set()
    state = {}
    for name, tensor in loaded.model.state_dict().items():
        pointer = tensor.data_ptr()
        if tensor.device.type != "meta" and (pointer not in seen or tensor.nbytes == 0):
            seen.add(pointer)
            state[name] = tensor.detach().cpu().contiguous()
    return state
