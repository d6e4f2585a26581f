"""What was tried for a model that only the hub could have given, and what is missing: said in the failure."""

import os
from pathlib import Path

from huggingface_hub import constants
from huggingface_hub.file_download import repo_folder_name

from services.worker.failures import FailureCode, JobFailed
from services.worker.models.hub.incomplete_snapshot import Missing, what_is_missing
from services.worker.models.hub.model_places import ModelPlaces
from services.worker.models.hub.other_caches import find_snapshot
from shared.model_folders import model_folder_names
from shared.model_search import similar_names
from shared.settings import DEMO_MODEL


def missing_of_own_cache(name: str, revision: str | None) -> Missing | None:
    """What our cache lacks of a revision that it has in part; None where it has all of it, or nothing."""
    snapshot = find_snapshot(_entry(Path(constants.HF_HUB_CACHE), name), revision)
    return None if snapshot is None else what_is_missing(snapshot)


def not_delivered(name: str) -> JobFailed:
    """The failure of a snapshot that stayed incomplete although the hub was asked."""
    offline = constants.HF_HUB_OFFLINE
    why = "HF_HUB_OFFLINE is set" if offline else f"{constants.ENDPOINT} did not deliver the rest"
    return JobFailed(
        FailureCode.MODEL_NOT_FOUND if offline else FailureCode.HUB_UNAVAILABLE,
        f"{why} of {name!r}" if not offline else f"{why}, so the rest of {name!r} can't be fetched",
        "unset HF_HUB_OFFLINE for one run, or copy the model into the models folder"
        if offline
        else "check the network, HF_ENDPOINT and proxies, then submit again: whole files are kept",
    )


def with_what_was_tried(failed: JobFailed, name: str, revision: str | None, places: ModelPlaces) -> JobFailed:
    """The failure of the hub with the places that were looked at before it, and names that may be meant."""
    if failed.failure.code not in (FailureCode.MODEL_NOT_FOUND, FailureCode.HUB_UNAVAILABLE):
        return failed
    folders = (places.models_dir, places.prepared_dir)
    tried = [f"the models folder {places.models_dir} has no folder {name!r}", _own_cache(name, revision)]
    others = [folder for folder in (*places.earlier_caches, places.host_hf_cache) if folder is not None]
    if others := [folder for folder in others if os.path.isdir(folder)]:  # noqa: PTH112  (raises nothing)
        tried.append(f"nor is it whole in {', '.join(map(str, others))}")
    near = similar_names(name, [*model_folder_names(folders), DEMO_MODEL, *_cached_names()])
    meant = [other for other in near if other != name]
    question = f"did you mean {' or '.join(map(repr, meant))}? Otherwise " if meant else ""
    return JobFailed(
        failed.failure.code,
        f"{failed.failure.message}. Looked at before: {'; '.join(tried)}",
        f"{question}{failed.failure.remedy}",
    )


def _own_cache(name: str, revision: str | None) -> str:
    cache = Path(constants.HF_HUB_CACHE)
    if (missing := missing_of_own_cache(name, revision)) is not None:
        return f"the cache {cache} has it only in part, missing are {missing.described()}"
    return f"the cache {cache} has no copy of it"


def _cached_names() -> list[str]:
    """Ids of the hub's models in our cache."""
    folders = Path(constants.HF_HUB_CACHE).glob("models--*--*")
    return [folder.name.removeprefix("models--").replace("--", "/") for folder in folders]


def _entry(cache: Path, name: str) -> Path:
    return cache / repo_folder_name(repo_id=name, repo_type="model")
