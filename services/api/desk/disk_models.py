"""The base models on this machine's disks, each with the copies that were prepared of it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.api.service import Service
from shared.model_folders import KEPT_COPIES, entries, model_folder, model_folder_names
from shared.sealed_folder import manifest_of
from shared.settings import DEMO_MODEL

_WEIGHTS = (".safetensors", ".bin")


@dataclass(frozen=True)
class Copy:
    """What the worker made of a model; `kind` is `nf4`, which loads read instead, or `safetensors`."""

    kind: str
    size_bytes: int


@dataclass(frozen=True)
class DiskModel:
    """`size_bytes`: of its weights; None where it lies in no folder here, as the demo's and the hub's."""

    name: str
    size_bytes: int | None
    copies: tuple[Copy, ...]
    is_demo: bool

    @property
    def is_here(self) -> bool:
        """Whether it needs no download, as far as the folders tell: the hub's cache is the worker's."""
        return self.size_bytes is not None or self.is_prepared

    @property
    def is_prepared(self) -> bool:
        return any(copy.kind == "nf4" for copy in self.copies)


def models_on_disk(service: Service) -> tuple[DiskModel, ...]:
    """By name: those in folders, the demo's and the default, and others of which there is a copy."""
    copies = _copies(service.settings.data_dir / "models")
    folders = model_folder_names(service.model_folders)
    names = {*folders, service.settings.default_model, DEMO_MODEL, *copies}
    return tuple(
        DiskModel(name, _size_bytes(service, name), tuple(copies.get(name, ())), name == DEMO_MODEL)
        for name in sorted(names, key=str.casefold)
    )


def _size_bytes(service: Service, name: str) -> int | None:
    folder = model_folder(name, service.model_folders)
    if folder is None:
        return None
    return sum(_file_bytes(folder / file) for file in entries(folder) if file.endswith(_WEIGHTS))


def _file_bytes(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _copies(folder: Path) -> dict[str, list[Copy]]:
    """Model → its copies, as their manifests tell."""
    found: dict[str, list[Copy]] = {}
    for entry in entries(folder):
        manifest = manifest_of(folder / entry) or {}
        name, kind = manifest.get("name"), manifest.get("kind")
        if kind in KEPT_COPIES and isinstance(name, str):
            found.setdefault(name, []).append(Copy(kind, sum(map(_bytes_in, manifest["files"].values()))))
    return found


def _bytes_in(described: Any) -> int:
    """Of a file, as a manifest describes it."""
    size_bytes = described.get("bytes") if isinstance(described, dict) else None
    return size_bytes if isinstance(size_bytes, int) else 0
