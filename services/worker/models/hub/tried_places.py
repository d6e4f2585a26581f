"""What was tried for a model that only the hub could have given, and what is missing: said in the failure."""

import os
from pathlib import Path

from huggingface_hub import constants
from huggingface_hub.file_download import repo_folder_name

from services.worker.failures import FailureCode, JobFailed
from services.worker.models.hub.incomplete_snapshot import Missing, what_is_missing
from services.worker.models.hub.model_places import ModelPlaces
from services.worker.models.hub.other_caches import find_snapshot
from shared.messages.message import Message, say
from shared.model_folders import model_folder_names
from shared.model_search import similar_names
from shared.settings import DEMO_MODEL

NAMES_SHOWN = 5


def missing_of_own_cache(name: str, revision: str | None) -> Missing | None:
    """What our cache lacks of a revision that it has in part; None where it has all of it, or nothing."""
    snapshot = find_snapshot(_entry(Path(constants.HF_HUB_CACHE), name), revision)
    return None if snapshot is None else what_is_missing(snapshot)


def not_delivered(name: str) -> JobFailed:
    """The failure of a snapshot that stayed incomplete although the hub was asked."""
    offline = constants.HF_HUB_OFFLINE
    return JobFailed(
        FailureCode.MODEL_NOT_FOUND if offline else FailureCode.HUB_UNAVAILABLE,
        say("offline-and-incomplete", model=name)
        if offline
        else say("hub-did-not-deliver-rest", hub=constants.ENDPOINT, model=name),
        say("unset-offline") if offline else say("check-network"),
    )


def with_what_was_tried(failed: JobFailed, name: str, revision: str | None, places: ModelPlaces) -> JobFailed:
    """The failure of the hub with the places that were looked at before it, and names that may be meant."""
    if failed.failure.code not in (FailureCode.MODEL_NOT_FOUND, FailureCode.HUB_UNAVAILABLE):
        return failed
    folders = (places.models_dir, places.prepared_dir)
    tried = [say("models-folder-lacks", folder=places.models_dir, model=name), _own_cache(name, revision)]
    others = [folder for folder in (*places.earlier_caches, places.host_hf_cache) if folder is not None]
    if others := [folder for folder in others if os.path.isdir(folder)]:  # noqa: PTH112  (raises nothing)
        tried.append(say("other-caches-lack", caches=[str(folder) for folder in others]))
    near = similar_names(name, [*model_folder_names(folders), DEMO_MODEL, *_cached_names()])
    meant = [other for other in near if other != name]
    advice = failed.failure.advice
    if here := sorted({*model_folder_names(folders), DEMO_MODEL} - {name})[:NAMES_SHOWN]:
        advice = say("or-one-that-is-here", advice=advice, name_choices=here)
    return JobFailed(
        failed.failure.code,
        say("hub-failed-after-others", failure=failed.failure.said, tried=tried),
        say("did-you-mean", name_choices=meant, advice=advice) if meant else advice,
    )


def _own_cache(name: str, revision: str | None) -> Message:
    cache = Path(constants.HF_HUB_CACHE)
    if (missing := missing_of_own_cache(name, revision)) is not None:
        return say("cache-has-part", cache=cache, missing=missing.described())
    return say("cache-lacks", cache=cache)


def _cached_names() -> list[str]:
    """Ids of the hub's models in our cache."""
    folders = Path(constants.HF_HUB_CACHE).glob("models--*--*")
    return [folder.name.removeprefix("models--").replace("--", "/") for folder in folders]


def _entry(cache: Path, name: str) -> Path:
    return cache / repo_folder_name(repo_id=name, repo_type="model")
