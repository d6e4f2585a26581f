"""Where a base model's files lie: a folder, a checkpoint prepared by us, or the hub and its cache."""

import os
from pathlib import Path

from huggingface_hub import constants

from services.worker.failures import FailureCode, JobFailed
from services.worker.models.files.model_folder import manifest_id, own_folder, read_json
from services.worker.models.files.pickle_conversion import convert_pickles
from services.worker.models.files.weight_files import find_weights
from services.worker.models.hub.demo_model import make_demo_model
from services.worker.models.hub.download import Snapshot, download_snapshot
from services.worker.models.hub.incomplete_snapshot import what_is_missing
from services.worker.models.hub.licence import licence_notice
from services.worker.models.hub.model_places import ModelFiles, ModelPlaces
from services.worker.models.hub.other_caches import find_in_other_caches
from services.worker.models.hub.snapshot_copy import import_snapshot, lacking_space
from services.worker.models.hub.tried_places import missing_of_own_cache, not_delivered, with_what_was_tried
from services.worker.running_job import RunningJob
from shared.messages.message import say
from shared.model_folders import Lack
from shared.model_search import Found, NotFoundHere, find_model

_LACKS: dict[Lack, FailureCode] = {
    "model_not_found": FailureCode.MODEL_NOT_FOUND,
    "model_unreadable": FailureCode.MODEL_UNREADABLE,
    "model_unsupported": FailureCode.MODEL_UNSUPPORTED,
}


def resolve_model(
    name: str,
    revision: str | None,
    places: ModelPlaces,
    *,
    job: RunningJob,
    import_it: bool = True,
    verify: bool = False,
) -> ModelFiles:
    """Find a base model, make it complete, and see that its weights are safetensors.

    Downloads what is missing of a hub model and converts `.bin` weights in a sandbox; both once. With
    `verify` all bytes of what was converted earlier are compared with their hashes. Tells the user what the
    model's licence forbids, where that is known.
    Raises JobFailed: MODEL_NOT_FOUND, HUB_UNAVAILABLE, MODEL_REFUSED, MODEL_UNREADABLE, DISK_FULL.
    """
    files = locate_model(name, revision, places, job=job, import_it=import_it)
    return as_safetensors(files, places, job=job, verify=verify)


def as_safetensors(
    files: ModelFiles, places: ModelPlaces, *, job: RunningJob, verify: bool = False
) -> ModelFiles:
    """A model that was located, or what the sandbox makes of its `.bin` weights; as `resolve_model`."""
    if notice := licence_notice(read_json(files.folder / "config.json")):
        job.event(notice, level="warn")
    if find_weights(files.folder).form == "safetensors":
        return files
    conversion = convert_pickles(
        files.folder,
        files.name,
        revision=files.revision,
        data_dir=places.data_dir,
        job=job,
        verify=verify,
    )
    converted = conversion.folder
    return ModelFiles(files.name, files.revision or manifest_id(converted), converted, "prepared", conversion)


def locate_model(
    name: str,
    revision: str | None,
    places: ModelPlaces,
    *,
    job: RunningJob,
    import_it: bool = True,
    incomplete: bool = False,
) -> ModelFiles:
    """Find a base model as it lies, `.bin` weights included; downloads, but converts nothing.

    What only an earlier or the host's cache has is copied into our own cache first; it is used where it lies
    where there is no room for it, and without `import_it`. With `incomplete` so is an incomplete snapshot
    where the hub does not answer.
    """
    found = _find(name, places)
    if found.folder is not None:
        _refuse_revision(name, revision)
        return _in_folder(name, found.folder, places)
    if found.place == "demo":
        _refuse_revision(name, revision)
        return _in_folder(name, make_demo_model(places.prepared_dir, job), places)
    if places.cache_problem is not None:
        job.event(
            say("cache-not-where-moved", problem=places.cache_problem, cache=constants.HF_HUB_CACHE),
            level="warn",
            data={"code": "cache_storage_missing"},
        )
    if elsewhere := find_in_other_caches(name, revision, _readable_caches(places, job)):
        if not import_it or not _has_room(elsewhere, name, job):
            return ModelFiles(name, elsewhere.name, elsewhere, "hub_cache")
        import_snapshot(elsewhere, name, Path(constants.HF_HUB_CACHE), job)
    snapshot = _from_hub(name, revision, places, job, incomplete=incomplete)
    return ModelFiles(name, snapshot.commit, snapshot.folder, "hub" if snapshot.downloaded else "hub_cache")


def _find(name: str, places: ModelPlaces) -> Found:
    try:
        return find_model(name, (places.models_dir, places.prepared_dir))
    except NotFoundHere as refused:
        raise JobFailed(_LACKS[refused.lack], refused.message, refused.remedy) from None


def _in_folder(name: str, folder: Path, places: ModelPlaces) -> ModelFiles:
    prepared = folder.is_relative_to(places.prepared_dir)
    real = own_folder(folder)
    return ModelFiles(
        name, manifest_id(real) if prepared else None, real, "prepared" if prepared else "folder"
    )


def _from_hub(
    name: str, revision: str | None, places: ModelPlaces, job: RunningJob, *, incomplete: bool
) -> Snapshot:
    """The snapshot, completed by the hub. Where that fails, it is said what was tried and what is missing."""
    missing = missing_of_own_cache(name, revision)
    if missing is not None:
        job.event(
            say(
                "cache-incomplete",
                cache=constants.HF_HUB_CACHE,
                model=name,
                missing=missing.described(),
            ),
            level="warn",
            data={"code": "cache_incomplete", "files": list(missing.names), "bytes": missing.bytes},
        )
    try:
        snapshot = download_snapshot(name, revision, job, incomplete=incomplete)
    except JobFailed as failed:
        raise with_what_was_tried(failed, name, revision, places) from failed
    if not incomplete and (missing := what_is_missing(snapshot.folder)) is not None:
        raise with_what_was_tried(not_delivered(name), name, revision, places)
    return snapshot


def _readable_caches(places: ModelPlaces, job: RunningJob) -> list[Path]:
    host_cache = places.host_hf_cache
    if host_cache is None:
        return [*places.earlier_caches]
    if os.access(host_cache, os.R_OK | os.X_OK):
        return [*places.earlier_caches, host_cache]
    job.event(
        say("host-cache-unreadable", cache=host_cache, user=str(os.geteuid())),
        level="warn",
        data={"code": "host_cache_unreadable"},
    )
    return [*places.earlier_caches]


def _has_room(snapshot: Path, name: str, job: RunningJob) -> bool:
    lack = lacking_space(snapshot, Path(constants.HF_HUB_CACHE))
    if lack is not None:
        job.event(
            say("loaded-where-it-lies", model=name, folder=snapshot, lack=lack),
            level="warn",
            data={"code": "no_room_to_import"},
        )
    return lack is None


def _refuse_revision(name: str, revision: str | None) -> None:
    if revision is not None:
        raise JobFailed(
            FailureCode.MODEL_NOT_FOUND,
            say("folder-has-no-revisions", model=name, revision=revision),
            say("leave-out-revision"),
        )
