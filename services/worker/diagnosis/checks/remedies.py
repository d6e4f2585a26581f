"""Remedies that several checks offer."""

import shlex
from pathlib import PurePosixPath

from services.worker.diagnosis.checks.finding import SATA_SSD_BYTES_PER_SECOND, Remedy, saved
from services.worker.diagnosis.facts import LoadFacts
from services.worker.diagnosis.units import rate, size

_BFLOAT16_SCRIPT = """{command} <<'END'
import pathlib, shutil, sys, torch
from safetensors.torch import load_file, save_file
source, target = map(pathlib.Path, sys.argv[1:3])
shutil.copytree(source, target, ignore=shutil.ignore_patterns({weights}))
for file in sys.argv[3:]:
    tensors = load_file(source / file).items()
    halved = {{name: t.to(torch.bfloat16) if t.is_floating_point() else t for name, t in tensors}}
    save_file(halved, target / file, metadata={{"format": "pt"}})
END"""


def keep_nf4_copy(facts: LoadFacts) -> Remedy | None:
    """Fewer bytes to read; None when the checkpoint is quantized already.

    Only reading is predicted: what quantizing takes is another finding's matter.
    """
    checkpoint = facts.checkpoint
    if checkpoint.quantized or checkpoint.nf4_bytes is None:
        return None
    return Remedy(
        action=f"keep a copy of the weights that is quantized already and load that: nf4 takes about "
        f"{size(checkpoint.nf4_bytes)} instead of {size(checkpoint.opened_bytes)}",
        saves_seconds=saved(
            facts.read_seconds(checkpoint.opened_bytes), facts.read_seconds(checkpoint.nf4_bytes)
        ),
    )


def keep_bfloat16_copy(facts: LoadFacts) -> Remedy | None:
    """Half the bytes of float32; None when that would save nothing."""
    checkpoint = facts.checkpoint
    if checkpoint.quantized or checkpoint.bfloat16_bytes is None:
        return None
    if checkpoint.bfloat16_bytes >= checkpoint.opened_bytes:
        return None
    target = f"{facts.models_dir}/{facts.model.rsplit('/', 1)[-1]}-bf16"
    opened = [file.name for file in checkpoint.opened]
    suffixes = sorted({PurePosixPath(file.name).suffix for file in checkpoint.files})
    return Remedy(
        action=f"keep a bfloat16 copy of the weights ({size(checkpoint.bfloat16_bytes)}) in the models "
        "folder and name that as the model; a load makes bfloat16 of them anyway",
        command=_BFLOAT16_SCRIPT.format(
            command=shlex.join([facts.python, "-", checkpoint.folder, target, *opened]),
            weights=", ".join(f'"*{suffix}"' for suffix in suffixes),
        ),
        saves_seconds=saved(
            facts.read_seconds(checkpoint.opened_bytes), facts.read_seconds(checkpoint.bfloat16_bytes)
        ),
    )


def move_to_faster_disk(facts: LoadFacts, where: str = "a local SSD") -> Remedy:
    """The command copies links as links, which a hub cache is made of."""
    root, variable = _movable_root(facts)
    old = shlex.quote(f"{root}/.")
    return Remedy(
        action=f"move the model to {where} and point {variable} there",
        command=f'new=/path/on/that/disk; mkdir -p "$new" && cp -a {old} "$new" && export {variable}="$new"',
        saves_seconds=saved(
            facts.read_seconds(facts.checkpoint.opened_bytes),
            facts.checkpoint.opened_bytes / SATA_SSD_BYTES_PER_SECOND,
        ),
        assumes=f"a SATA SSD's {rate(SATA_SSD_BYTES_PER_SECOND)}",
    )


def stay_resident() -> Remedy:
    return Remedy(
        action="run jobs on one base model one after another: the worker keeps it in memory, and only "
        "the first job loads it"
    )


def _movable_root(facts: LoadFacts) -> tuple[str, str]:
    if facts.in_hub_cache:
        return facts.cache.folder, "HF_HUB_CACHE"
    parent = facts.checkpoint.folder.rstrip("/").rpartition("/")[0] or "/"
    if facts.checkpoint.source == "prepared":
        return parent.rpartition("/")[0] or "/", "TUNEDOCK_DATA_DIR"
    return parent, "TUNEDOCK_MODELS_DIR"
