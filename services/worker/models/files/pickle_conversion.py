"""The safetensors copy of `.bin` weights: made once, and anew where it is outdated or damaged."""

import hashlib
import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.worker.machine.disk_full import is_disk_full
from services.worker.models.files.artifact import (
    building,
    fault_in_bytes,
    only_one_builder,
    publish,
)
from services.worker.models.files.model_folder import (
    CONFIG_PATTERNS,
    is_snapshot,
    matches,
    refuse_odd_files,
)
from services.worker.models.files.sandboxed_shards import no_room, sandboxed_shards
from services.worker.models.files.unchanged import UnchangedFiles
from services.worker.models.files.weight_files import Weights, find_weights, read_header
from services.worker.models.reading.byte_progress import ByteProgress
from services.worker.running_job import RunningJob
from shared.messages.message import Message, say
from shared.sealed_folder import fault_in_sizes, file_sha256, manifest_of, write_manifest

SPARE_BYTES = 64 * 1024**2


@dataclass(frozen=True)
class Conversion:
    """The safetensors copy in `folder` of the `.bin` files in `source`; `made` when it was made just now."""

    folder: Path
    source: Path
    made: bool


def convert_pickles(
    folder: Path,
    name: str,
    *,
    revision: str | None,
    data_dir: Path,
    job: RunningJob,
    verify: bool = False,
) -> Conversion:
    """The safetensors copy of the `.bin` checkpoint in `folder`; made when missing, outdated or damaged.

    Damage is told; with `verify` the copy's bytes are compared with its manifest, else their number. The copy
    keeps names, shapes and dtypes. Raises JobFailed: MODEL_REFUSED when a pickle holds anything but tensors,
    MODEL_UNREADABLE when it is damaged, DISK_FULL.
    """
    weights = find_weights(folder)
    converted = converted_folder(folder, name, data_dir)
    if _same_files(converted, weights) and _fault(converted, verify, job) is None:
        return Conversion(converted, folder, made=False)
    with only_one_builder(converted, job):
        watched = UnchangedFiles(weights.files)
        sources = {file.name: _described(file, job) for file in weights.files}
        fault = _fault(converted, verify, job)  # once more: another process may have mended it meanwhile
        if fault is not None:
            _tell_damage(converted, name, fault, job)
        made = fault is not None or not _same_content(converted, sources)
        if made:
            about = {
                "kind": "safetensors",
                "name": name,
                "revision": revision,
                "source": {"folder": str(folder), "files": sources},
            }
            _convert(folder, weights, converted, about, watched, job)
    return Conversion(converted, folder, made)


def verify_conversion(conversion: Conversion, name: str, job: RunningJob) -> None:
    """Compare the bytes of the copy of the model `name` with its manifest; make it anew where they differ.

    Raises JobFailed as `convert_pickles`.
    """
    if conversion.made:
        return  # the hashes in its manifest are of what was written a moment ago
    convert_pickles(
        conversion.source,
        name,
        revision=(manifest_of(conversion.folder) or {}).get("revision"),
        data_dir=conversion.folder.parent.parent,
        job=job,
        verify=True,
    )


def converted_folder(source: Path, name: str, data_dir: Path) -> Path:
    """Where the safetensors copy of the `.bin` checkpoint in `source` lies, once there is one."""
    return data_dir / "models" / artifact_name(source, name)


def artifact_name(folder: Path, name: str) -> str:
    """One converted copy a source folder: a readable part and the folder's path as a hash.

    Of a hub model its place in the cache counts, not the cache's own: what was made of it outlives a move.
    """
    readable = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.")[:60]
    place = "/".join(folder.parts[-3:]) if is_snapshot(folder) else str(folder)
    return f"{readable}-safetensors-{hashlib.sha256(place.encode()).hexdigest()[:12]}"


def _fault(converted: Path, verify: bool, job: RunningJob) -> Message | None:
    return fault_in_bytes(converted, job) if verify else fault_in_sizes(converted)


def _tell_damage(converted: Path, name: str, fault: Message, job: RunningJob) -> None:
    job.event(
        say("converted-copy-remade", model=name, fault=fault),
        level="warn",
        data={"code": "conversion_rejected", "folder": str(converted)},
    )


def _same_files(converted: Path, weights: Weights) -> bool:
    """Whether the copy was made of these files as they are now, by their sizes and times."""
    manifest = manifest_of(converted)
    if manifest is None:
        return False
    recorded = {
        name: (file["bytes"], file["modified_ns"]) for name, file in manifest["source"]["files"].items()
    }
    status = {file.name: file.stat() for file in weights.files}
    return recorded == {name: (found.st_size, found.st_mtime_ns) for name, found in status.items()}


def _same_content(converted: Path, sources: dict[str, Any]) -> bool:
    """Whether the copy was made of files with these hashes; if so, their new times are noted."""
    manifest = manifest_of(converted)
    if manifest is None:
        return False
    recorded = {name: file["sha256"] for name, file in manifest["source"]["files"].items()}
    if recorded != {name: file["sha256"] for name, file in sources.items()}:
        return False
    manifest["source"]["files"] = sources
    write_manifest(converted, manifest)
    return True


def _convert(
    folder: Path,
    weights: Weights,
    converted: Path,
    about: dict[str, Any],
    watched: UnchangedFiles,
    job: RunningJob,
) -> None:
    _refuse_full_disk(weights, converted.parent)
    refuse_odd_files(folder)
    try:
        with building(converted) as draft:
            shards = sandboxed_shards(weights, draft, job)
            watched.require()  # the hashes in the manifest are of what was converted
            _write_index(draft, shards)
            for file in sorted(folder.iterdir()):
                if file.is_file() and matches(file.name, CONFIG_PATTERNS):
                    shutil.copyfile(file, draft / file.name)
            publish(draft, converted, about)
    except OSError as error:
        if not is_disk_full(error):
            raise
        lack = say("no-space-for-converted-copy", folder=folder, error=error.strerror)
        raise no_room(lack) from error


def _refuse_full_disk(weights: Weights, models_folder: Path) -> None:
    models_folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(models_folder).free
    if weights.bytes + SPARE_BYTES > free:
        raise no_room(
            say("converted-copy-does-not-fit", wanted_bytes=weights.bytes + SPARE_BYTES, free_bytes=free)
        )


def _write_index(draft: Path, shards: list[Path]) -> None:
    if len(shards) == 1:
        return
    headers = {shard.name: read_header(shard) for shard in shards}
    weight_map = {tensor: shard for shard, header in headers.items() for tensor in header}
    offsets = [entry["data_offsets"] for header in headers.values() for entry in header.values()]
    index = {"metadata": {"total_size": sum(end - begin for begin, end in offsets)}, "weight_map": weight_map}
    (draft / "model.safetensors.index.json").write_text(json.dumps(index, indent=1), encoding="utf-8")


def _described(file: Path, job: RunningJob) -> dict[str, Any]:
    status = file.stat()
    return {"bytes": status.st_size, "modified_ns": status.st_mtime_ns, "sha256": _hash(file, job)}


def _hash(file: Path, job: RunningJob) -> str:
    return file_sha256(file, ByteProgress(job, "hashing", file.stat().st_size).add)
