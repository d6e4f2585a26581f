"""The models of `bench load` on the disk that is measured: made in an order that keeps the peak small."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import torch

from bench.load_process import run_arm, run_module
from bench.load_turns import QUANTIZING
from bench.weights import checkpoint_bytes
from services.worker.models.quantized.nf4_artifact import SPARE_BYTES, nf4_folder
from services.worker.models.reading.cached_pages import make_cold

_COPY_PER_BFLOAT16 = 0.4  # 0.34 at full size; small models have larger embeddings by comparison
_FILESYSTEM_SHARE = 0.05
_WARM_BYTES = 2**20


@dataclass(frozen=True)
class Models:
    """One checkpoint as safetensors and, for bfloat16, as pickle; and the copy prepared from it."""

    folder: Path

    @property
    def base(self) -> Path:
        return self.folder / "base"

    @property
    def pickle(self) -> Path:
        return self.folder / "pickle"

    @property
    def artifact(self) -> Path:
        return nf4_folder(self.base, self.base.name, self.folder / "artifacts")

    def of(self, arm: str) -> Path:
        return self.pickle if arm == "hf-pickle-nf4" else self.base

    def bytes_of(self, arm: str) -> int:
        """What the arm has to read."""
        folder = self.of(arm) if arm in QUANTIZING else self.artifact
        return sum(
            path.stat().st_size for path in folder.iterdir() if path.suffix in (".safetensors", ".bin")
        )

    def make_cold(self) -> list[str]:
        """Put all files out of the page cache; the names of those that stayed."""
        folders = [folder for folder in (self.base, self.pickle, self.artifact) if folder.is_dir()]
        files = [path for folder in folders for path in folder.iterdir() if path.is_file()]
        return [path.name for path in files if (make_cold(path).cached_bytes or 0) > _WARM_BYTES]

    def remove(self) -> None:
        shutil.rmtree(self.folder)


def make_models(folder: Path, dtype: str, layers: int | None, *, with_pickle: bool) -> Models:
    """Random weights in the shapes of EXAONE-3.5-2.4B, and their copy. Raises ProcessFailed."""
    models = Models(folder)
    pickle = [str(models.pickle)] if with_pickle else []
    run_module(["bench.weights", str(models.base), dtype, str(layers or 0), *pickle])
    run_arm("prepare", models.base, models.artifact)
    return models


def disk_bytes(layers: int | None, *, float32: bool, with_pickle: bool) -> int:
    """The most that lies on the disk at one time: the float32 checkpoint is gone before the others come."""
    bfloat16 = checkpoint_bytes(torch.bfloat16, layers)
    peak = max((1 + with_pickle) * bfloat16, 2 * bfloat16 * float32) + round(_COPY_PER_BFLOAT16 * bfloat16)
    return round(peak * (1 + _FILESYSTEM_SHARE)) + 2 * SPARE_BYTES
