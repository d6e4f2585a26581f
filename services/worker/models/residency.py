"""The one base model in memory: kept for the next job on the same base, replaced for another."""

import gc
import logging
from dataclasses import dataclass
from pathlib import Path

import torch

from services.worker.models.families.fit import require_fit
from services.worker.models.hub.model_places import ModelFiles
from services.worker.models.load import LoadedModel, load_base_model
from services.worker.models.quantized.nf4_artifact import find_nf4
from services.worker.models.quantized.prepared import load_copy, load_prepared
from services.worker.running_job import RunningJob

DTYPE = torch.bfloat16
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Identity:
    """What makes two bases the same: the folder, its revision, and its files' sizes and times."""

    folder: str
    revision: str | None
    files: tuple[tuple[str, int, int], ...]


class Residency:
    """Holds at most one base model, in nf4 with bf16 arithmetic, on one device."""

    def __init__(self, device: torch.device, artifacts: Path | None = None) -> None:
        """`artifacts` is the folder of prepared copies; without one every load is from the checkpoint."""
        self.device = device
        self._artifacts = artifacts
        self._identity: Identity | None = None
        self._model: LoadedModel | None = None

    @property
    def name(self) -> str | None:
        """The resident base as it was asked for, None when there is none."""
        return self._model.files.name if self._model else None

    def peek(self, files: ModelFiles) -> LoadedModel | None:
        """The resident base if it is the one in `files`."""
        return self._model if self._model and self._identity == identity(files) else None

    def base(
        self, files: ModelFiles, job: RunningJob, *, from_checkpoint: bool = False, for_chat: bool = False
    ) -> tuple[LoadedModel, bool]:
        """The base in `files`, and whether it was resident. Raises JobFailed as `load_base_model` does.

        With `from_checkpoint` a prepared copy is neither used nor made; `for_chat` if conversations are to be
        rendered.
        """
        if resident := self.peek(files):
            require_fit(resident.tokenizer, resident.abilities, job, for_chat=for_chat)
            return resident, True
        self.evict()
        wanted = identity(files)
        if self._artifacts is None or from_checkpoint:
            self._model = load_base_model(
                files,
                quantization="nf4",
                dtype=DTYPE,
                device=self.device,
                job=job,
                for_chat=for_chat,
            )
        else:
            self._model = load_prepared(
                files,
                dtype=DTYPE,
                device=self.device,
                artifacts=self._artifacts,
                job=job,
                for_chat=for_chat,
            )
        self._identity = wanted
        return self._model, False

    def prepared_copy(self, files: ModelFiles) -> Path | None:
        """The folder of the prepared copy that the next load of `files` would read; None if there is none."""
        return find_nf4(files.folder, files.name, DTYPE, self._artifacts) if self._artifacts else None

    def from_copy(self, files: ModelFiles, folder: Path, job: RunningJob) -> LoadedModel:
        """Load the base anew from its prepared copy in `folder`, and from nowhere else.

        Raises ArtifactUnusable and OSError where the copy can't be used, JobFailed as `load_base_model`.
        """
        self.evict()
        wanted = identity(files)
        self._model = load_copy(folder, files, dtype=DTYPE, device=self.device, job=job)
        self._identity = wanted
        return self._model

    def evict(self) -> None:
        """Free the memory; the next job loads anew."""
        if self._model is None:
            return  # a collection with torch's many objects takes a second
        self._model = self._identity = None
        gc.collect()
        if self.device.type == "cuda":
            torch.cuda.empty_cache()


def identity(files: ModelFiles) -> Identity:
    stats = [(path.name, path.stat()) for path in sorted(files.folder.iterdir()) if path.is_file()]
    return Identity(
        str(files.folder.resolve()),
        files.revision,
        tuple((name, stat.st_size, stat.st_mtime_ns) for name, stat in stats),
    )
