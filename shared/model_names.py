"""Names of models: what a request may call one, and how a fine-tuned one is called."""

import json
import re
from pathlib import Path

from shared.errors import ModelUnknown
from shared.settings import DEMO_MODEL

FINE_TUNED_PREFIX = "ft:"
DEFAULT_SUFFIX = "tunedock"
KEPT_COPIES = ("nf4", "safetensors")  # in their manifests

_FINE_TUNED = re.compile(r"ft:[^:]+:[^:]+:(?P<part>[a-z0-9]{1,64})")
_HUB_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}/[A-Za-z0-9][A-Za-z0-9._-]{0,95}")
_FOLDER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,127}")


def fine_tuned_model_id(base_model: str, suffix: str | None, job_id: str) -> str:
    """`ft:<base without organisation>:<suffix>:<job id without its prefix>`, after OpenAI's pattern."""
    base = re.sub(r"[^A-Za-z0-9._+-]", "-", base_model.rsplit("/", 1)[-1])
    return f"{FINE_TUNED_PREFIX}{base}:{suffix or DEFAULT_SUFFIX}:{job_id.removeprefix('ftjob-')}"


def job_id_of(fine_tuned_model: str) -> str | None:
    """The job that made a fine-tuned model, by its name alone; None when it is no such name."""
    match = _FINE_TUNED.fullmatch(fine_tuned_model)
    return f"ftjob-{match['part']}" if match else None


def is_fine_tuned(model: str) -> bool:
    return model.startswith(FINE_TUNED_PREFIX)


def is_hub_id(model: str) -> bool:
    """Whether a name has the shape `organisation/name`; only the hub or its cache knows if it exists."""
    return bool(_HUB_ID.fullmatch(model)) and ".." not in model


def model_folder(model: str, folders: tuple[Path, ...]) -> Path | None:
    """The first of `folders` with a folder `model`; a name with a slash or a leading dot has none."""
    if not _FOLDER.fullmatch(model):
        return None
    return next((folder / model for folder in folders if (folder / model).is_dir()), None)


def model_folder_names(folders: tuple[Path, ...]) -> list[str]:
    """Names of all folders with a model (a `config.json`), sorted; without copies that we keep of others."""
    found = (config.parent for folder in folders for config in folder.glob("*/config.json"))
    return sorted({folder.name for folder in found if not _is_kept_copy(folder)})


def _is_kept_copy(folder: Path) -> bool:
    """Whether the worker made it of another model: converted from pickles, or quantized."""
    try:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(manifest, dict) and manifest.get("kind") in KEPT_COPIES


def check_base_model(model: str, folders: tuple[Path, ...]) -> None:
    """Raises `ModelUnknown`, which says what there is, when `model` can't be a base model here."""
    if model == DEMO_MODEL or is_hub_id(model) or model_folder(model, folders):
        return
    if is_fine_tuned(model):
        raise ModelUnknown(
            f"{model!r} is a fine-tuned model. Name its base model here; evaluations take it as `adapter`.",
            param="model",
        )
    present = sorted({*model_folder_names(folders), DEMO_MODEL})[:20]
    raise ModelUnknown(
        f"There is no model {model!r}. Give a hub id (organisation/name) or one of {', '.join(present)}.",
        param="model",
    )
