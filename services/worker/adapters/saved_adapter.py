"""A published adapter, put back on its base model after checking that both are what they should be."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from peft import LoraConfig, PeftModel
from safetensors import SafetensorError
from safetensors.torch import load
from torch import Tensor

from services.worker.adapters import adapter_folder
from services.worker.adapters.lora import attached, set_adapter_weights
from services.worker.failures import FailureCode, JobFailed
from services.worker.models.load import LoadedModel
from shared import sealed_folder
from shared.adapters import CONFIG, OPTIMIZER, WEIGHTS
from shared.messages.message import Message, say

_CONFIG_FIELDS = ("r", "lora_alpha", "lora_dropout", "target_modules", "bias")


@dataclass(frozen=True)
class SavedAdapter:
    """`folder` has the module names that the base runs under; `trained_as` says how it is to be asked."""

    folder: Path
    trained_as: dict[str, Any]
    sha256: str

    def weights(self) -> dict[str, Tensor]:
        """By the names of PEFT's files. Raises `JobFailed` (adapter_invalid)."""
        try:
            return load((self.folder / WEIGHTS).read_bytes())
        except (OSError, SafetensorError) as error:
            raise _unreadable(error) from error

    def config(self) -> LoraConfig:
        """Raises `JobFailed` (adapter_invalid)."""
        try:
            fields = json.loads((self.folder / CONFIG).read_bytes())
            return LoraConfig(
                task_type="CAUSAL_LM",
                exclude_modules=fields.get("exclude_modules"),
                **{name: fields[name] for name in _CONFIG_FIELDS},
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise _unreadable(error) from error

    def write_into(self, adapted: PeftModel, base: LoadedModel) -> None:
        """Give `adapted` these weights. Raises `JobFailed` (adapter_invalid) if they don't fit."""
        try:
            set_adapter_weights(adapted, self.weights())
        except ValueError as error:
            raise _invalid(
                say("adapter-does-not-fit", model=base.files.name, error=str(error)),
                say("train-adapter-again"),
            ) from error


def open_adapter(folder: Path, base: LoadedModel) -> SavedAdapter:
    """Check the adapter in `folder`, published or a checkpoint, against its manifest and against `base`.

    Raises `JobFailed` (adapter_invalid).
    """
    manifest = sealed_folder.verified_manifest(folder, spared=(OPTIMIZER,))
    if manifest is None:
        raise _invalid(say("adapter-damaged"), say("train-adapter-again"))
    made_for, here = _base_of(manifest), adapter_folder.base_facts(base)
    if made_for["name"] != here["name"]:
        raise _invalid(
            say("adapter-of-other-model", made_for=made_for["name"], model=here["name"]),
            say("name-adapter-model", model=made_for["name"]),
        )
    if None not in (made_for["revision"], here["revision"]) and made_for["revision"] != here["revision"]:
        raise _invalid(
            say(
                "adapter-of-other-revision",
                made_for=made_for["revision"],
                model=here["name"],
                revision=here["revision"],
            ),
            say("give-revision", revision=made_for["revision"]),
        )
    return SavedAdapter(folder, _trained_as(folder), sealed_folder.manifest_sha256(folder))


@contextmanager
def with_adapter(base: LoadedModel, adapter: SavedAdapter) -> Iterator[None]:
    """`base.model` with the adapter's weights; on leaving, the base is what it was before.

    Raises `JobFailed` (adapter_invalid) if the weights don't fit.
    """
    with attached(base, adapter.config()) as adapted:
        adapter.write_into(adapted, base)
        base.model.eval()
        yield


def _base_of(manifest: dict[str, Any]) -> dict[str, Any]:
    """A checkpoint has it among all that decides its run."""
    base: dict[str, Any] = manifest["base"] if "base" in manifest else manifest["fingerprint"]["base"]
    return base


def _trained_as(folder: Path) -> dict[str, Any]:
    published = folder / adapter_folder.RESULT
    if published.is_file():
        return dict(json.loads(published.read_bytes()))
    return dict(json.loads((folder / "state.json").read_bytes())["trained_as"])


def _unreadable(error: Exception) -> JobFailed:
    return _invalid(say("adapter-unreadable", error=str(error)), say("train-adapter-again"))


def _invalid(message: Message, remedy: Message) -> JobFailed:
    return JobFailed(FailureCode.ADAPTER_INVALID, message, remedy)
