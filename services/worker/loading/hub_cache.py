"""Where a base model's files lie: a folder, a checkpoint prepared by us, or the hub and its cache."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

from services.worker.failures import FailureCode, JobFailed
from services.worker.loading.demo_model import make_demo_model
from services.worker.loading.host_cache import find_in_host_cache, import_snapshot
from services.worker.loading.hub_download import download_snapshot
from services.worker.loading.licence import licence_notice
from services.worker.loading.model_folder import find_model_folder, manifest_id, read_json
from services.worker.loading.pickle_conversion import convert_pickles
from services.worker.loading.weight_files import find_weights
from services.worker.report import Report
from shared.model_names import is_hub_id
from shared.settings import DEMO_MODEL, Settings

ModelSource = Literal["folder", "hub_cache", "hub", "prepared"]


@dataclass(frozen=True)
class ModelFiles:
    """Where a model's files lie.

    `name` is as requested; `revision` the commit for a hub model, the manifest's id for a prepared one, else
    None; `folder` holds config.json and the weights; `source` says where the bytes came from this time.
    """

    name: str
    revision: str | None
    folder: Path
    source: ModelSource


@dataclass(frozen=True)
class ModelPlaces:
    """Where models may lie beside the hub's own cache; `host_hf_cache` is another such cache, read only."""

    models_dir: Path
    data_dir: Path
    host_hf_cache: Path | None = None

    @classmethod
    def of(cls, settings: Settings) -> Self:
        return cls(settings.models_dir, settings.data_dir, settings.host_hf_cache)


def resolve_model(
    name: str, revision: str | None, places: ModelPlaces, *, report: Report, import_it: bool = True
) -> ModelFiles:
    """Find a base model, make it complete, and see that its weights are safetensors.

    Downloads what is missing of a hub model and converts `.bin` weights in a sandbox; both once. Tells the
    user what the model's licence forbids, where that is known.
    Raises JobFailed: MODEL_NOT_FOUND, HUB_UNAVAILABLE, MODEL_REFUSED, MODEL_UNREADABLE, DISK_FULL.
    """
    files = locate_model(name, revision, places, report=report, import_it=import_it)
    if notice := licence_notice(read_json(files.folder / "config.json")):
        report.event(notice, level="warn")
    if find_weights(files.folder).form == "safetensors":
        return files
    converted = convert_pickles(
        files.folder, name, revision=files.revision, data_dir=places.data_dir, report=report
    )
    return ModelFiles(name, files.revision or manifest_id(converted), converted, "prepared")


def locate_model(
    name: str, revision: str | None, places: ModelPlaces, *, report: Report, import_it: bool = True
) -> ModelFiles:
    """Find a base model as it lies, `.bin` weights included; downloads, but converts nothing.

    What only the host's cache has is copied into our own cache first. Unless `import_it`, all is taken as it
    is: that cache's files where they lie, and an incomplete snapshot where the hub does not answer.
    """
    if folder := find_model_folder(name, places.models_dir):
        _refuse_revision(name, revision)
        return ModelFiles(name, None, folder, "folder")
    if folder := find_model_folder(name, places.data_dir / "models"):
        _refuse_revision(name, revision)
        return ModelFiles(name, manifest_id(folder), folder, "prepared")
    if name == DEMO_MODEL:
        _refuse_revision(name, revision)
        folder = make_demo_model(places.data_dir / "models", report)
        return ModelFiles(name, manifest_id(folder), folder, "prepared")
    if not is_hub_id(name):
        raise JobFailed(
            FailureCode.MODEL_NOT_FOUND,
            f"{name!r} is neither a folder in {places.models_dir} nor a hub id",
            "name a folder that lies directly in the models folder, or a hub id such as `organisation/model`",
        )
    host_cache = places.host_hf_cache
    if host_cache is not None and not os.access(host_cache, os.R_OK | os.X_OK):
        report.event(
            f"The host's cache {host_cache} can't be read by user {os.geteuid()}, so it is left out. Let "
            "everybody read it: sudo chmod -R a+rX FOLDER",
            level="warn",
            data={"code": "host_cache_unreadable"},
        )
    elif host_snapshot := find_in_host_cache(name, revision, host_cache):
        if not import_it:
            return ModelFiles(name, host_snapshot.name, host_snapshot, "hub_cache")
        import_snapshot(host_snapshot, name, revision, report)
    snapshot = download_snapshot(name, revision, report, incomplete=not import_it)
    return ModelFiles(name, snapshot.commit, snapshot.folder, "hub" if snapshot.downloaded else "hub_cache")


def _refuse_revision(name: str, revision: str | None) -> None:
    if revision is not None:
        raise JobFailed(
            FailureCode.MODEL_NOT_FOUND,
            f"model {name!r} is a folder and has no revisions; revision {revision!r} was asked for",
            "leave `revision` out, or name the model on the hub",
        )
