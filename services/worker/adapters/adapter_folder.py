"""The finished adapter on disk: a standard PEFT folder, the tokenizer beside it, sealed by a manifest."""

import json
import shutil
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from peft import PeftModel
from safetensors.torch import save

from services.worker.adapters.adapter_names import write_original_adapter
from services.worker.adapters.lora import adapter_weights
from services.worker.models.load import LoadedModel
from shared import sealed_folder
from shared.adapters import CONFIG, WEIGHTS
from shared.durable import write_json_durably
from shared.job_folder import ADAPTER, JobFolder, adapter_under

RESULT = "result.json"
TOKENIZER_FILES = (
    "tokenizer.json",
    "tokenizer_config.json",
    "tokenizer.model",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
    "chat_template.jinja",
)


def write_adapter(folder: Path, adapted: PeftModel, base: LoadedModel, result: Mapping[str, Any]) -> None:
    """Fill the new `folder` with the adapter as PEFT itself would save it (fp32), and seal it. Raises
    OSError.
    """
    folder.mkdir(parents=True)
    (folder / WEIGHTS).write_bytes(save(adapter_weights(adapted), metadata={"format": "pt"}))
    write_json_durably(folder / CONFIG, adapter_config(adapted, base))
    complete(folder, base, result)


def folder_names(base: LoadedModel) -> tuple[str, ...]:
    """What an adapter of `base` is called in a job's folder, under each set of names that it has."""
    return (ADAPTER, adapter_under(base.family.names.runs_under)) if base.family else (ADAPTER,)


def write_all(
    folders: Mapping[str, Path], adapted: PeftModel, base: LoadedModel, result: Mapping[str, Any]
) -> None:
    """Fill `adapter` and, where the base runs under other names than its repository's, one with those, too.

    `folders` by `folder_names`.
    """
    if base.family is None:
        write_adapter(folders[ADAPTER], adapted, base, result)
        return
    as_run = folders[adapter_under(base.family.names.runs_under)]
    write_adapter(as_run, adapted, base, result)
    write_original_adapter(
        base.family.names,
        as_run,
        folders[ADAPTER],
        base_name=base.files.name,
        revision=base.files.revision,
    )
    complete(folders[ADAPTER], base, result)


def complete(folder: Path, base: LoadedModel, result: Mapping[str, Any]) -> None:
    """Add to weights and config what else belongs to an adapter, and seal it."""
    copy_tokenizer(base, folder)
    write_json_durably(folder / RESULT, dict(result))
    sealed_folder.seal(folder, manifest_facts(base))


def adapter_config(adapted: PeftModel, base: LoadedModel) -> dict[str, Any]:
    """adapter_config.json, ready for inference, in an order that depends on nothing."""
    config = adapted.peft_config["default"].to_dict()
    config |= {
        "base_model_name_or_path": base.files.name,
        "revision": base.files.revision,
        "inference_mode": True,
    }
    return {name: sorted(value) if isinstance(value, set) else value for name, value in config.items()}


def copy_tokenizer(base: LoadedModel, folder: Path) -> None:
    """The base's tokenizer files as they are; a new save could change how text is cut.

    Where the class that they name would cut text otherwise, the family's `tokenizer_class` takes its place.
    """
    for name in TOKENIZER_FILES:
        if (base.files.folder / name).is_file():
            shutil.copyfile(base.files.folder / name, folder / name)
    config = folder / "tokenizer_config.json"
    if base.family and base.family.tokenizer_class and config.is_file():
        fields = json.loads(config.read_bytes())
        write_json_durably(config, {**fields, "tokenizer_class": base.family.tokenizer_class})


def manifest_facts(base: LoadedModel) -> dict[str, Any]:
    return {
        "kind": "adapter",
        "base": base_facts(base),
        "versions": {name: version(name) for name in ("torch", "transformers", "peft", "bitsandbytes")},
    }


def base_facts(base: LoadedModel) -> dict[str, Any]:
    """What must be the same for an adapter to mean the same."""
    return {
        "name": base.files.name,
        "revision": base.files.revision,
        "quantization": base.quantization,
        "architecture": base.architecture,
    }


def published_result(job_folder: JobFolder) -> dict[str, Any] | None:
    """The result of a job whose adapter is already in place and whole, else None.

    What lies there but is not whole is set aside.
    """
    folder = job_folder.adapter
    if not folder.exists():
        return None
    if sealed_folder.verified_manifest(folder) is None:
        _set_aside(folder, job_folder)
        return None
    return _result(folder)


def publish(
    folders: Mapping[str, Path], job_folder: JobFolder, set_aside: Callable[[str, str], None]
) -> dict[str, Any]:
    """Rename sealed folders to their names in the job's folder, `adapter` last: it decides. Returns the
    result. `set_aside` hears what else stood under a name, and what it is called now.
    """
    for name, folder in sorted(folders.items(), key=lambda item: item[0] == ADAPTER):
        target = job_folder.path / name
        if target.is_symlink() or target.is_file():  # no work of ours
            set_aside(name, _set_aside(target, job_folder))
        elif target.exists():  # left by an attempt that died between two renames
            shutil.rmtree(target)
        sealed_folder.publish(folder, target)
    return _result(job_folder.adapter)


def _set_aside(path: Path, job_folder: JobFolder) -> str:
    """Returns its new name."""
    aside = job_folder.free_damaged_adapter()
    path.rename(aside)
    return aside.name


def _result(folder: Path) -> dict[str, Any]:
    result: dict[str, Any] = json.loads((folder / RESULT).read_bytes())
    return {**result, "manifest_sha256": sealed_folder.manifest_sha256(folder)}
