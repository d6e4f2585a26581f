"""Turns `.bin` weights into safetensors, once, in a process that can harm nothing; this one opens none."""

import hashlib
import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.worker.failures import FailureCode, JobFailed
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
    stands_in,
)
from services.worker.models.files.unchanged import UnchangedFiles
from services.worker.models.files.weight_files import Weights, find_weights, read_header
from services.worker.models.reading.byte_progress import ByteProgress
from services.worker.report import Report
from shared.look_alikes import stand_in_file
from shared.messages.message import Message, say
from shared.sandbox import SandboxLimits, SandboxResult, run_in_sandbox
from shared.sealed_folder import fault_in_sizes, file_sha256, manifest_of, write_manifest

READER_MODULE = "services.worker.models.files.pickle_reader"
SLOWEST_BYTES_PER_SECOND = 2_000_000
# Address space that torch reserves and never touches; a pickle is mapped, so its own size comes on top.
TORCH_ADDRESS_SPACE_BYTES = 24 * 1024**3
TORCH_DATA_BYTES = 2 * 1024**3  # its own, with and without CUDA's libraries; weights come on top
MIB = 1024**2


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
    report: Report,
    verify: bool = False,
) -> Conversion:
    """The safetensors copy of the `.bin` checkpoint in `folder`; made when missing, outdated or damaged.

    Damage is told; with `verify` the copy's bytes are compared with its manifest, else their number. The copy
    keeps names, shapes and dtypes. Raises JobFailed: MODEL_REFUSED when a pickle holds anything but tensors,
    MODEL_UNREADABLE when it is damaged, DISK_FULL.
    """
    weights = find_weights(folder)
    converted = converted_folder(folder, name, data_dir)
    if _same_files(converted, weights) and _fault(converted, verify, report) is None:
        return Conversion(converted, folder, made=False)
    with only_one_builder(converted, report):
        watched = UnchangedFiles(weights.files)
        sources = {file.name: _described(file, report) for file in weights.files}
        fault = _fault(converted, verify, report)  # once more: another process may have mended it meanwhile
        if fault is not None:
            _tell_damage(converted, name, fault, report)
        made = fault is not None or not _same_content(converted, sources)
        if made:
            about = {
                "kind": "safetensors",
                "name": name,
                "revision": revision,
                "source": {"folder": str(folder), "files": sources},
            }
            _convert(folder, weights, converted, about, watched, report)
    return Conversion(converted, folder, made)


def verify_conversion(conversion: Conversion, name: str, report: Report) -> None:
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
        report=report,
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


def _fault(converted: Path, verify: bool, report: Report) -> Message | None:
    return fault_in_bytes(converted, report) if verify else fault_in_sizes(converted)


def _tell_damage(converted: Path, name: str, fault: Message, report: Report) -> None:
    report.event(
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
    report: Report,
) -> None:
    _refuse_full_disk(weights, converted.parent)
    refuse_odd_files(folder)
    try:
        with building(converted) as draft:
            shards = _convert_weights(weights, draft, report)
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
        raise _disk_full(lack) from error


def _convert_weights(weights: Weights, draft: Path, report: Report) -> list[Path]:
    """Let the sandbox write into a folder of its own; take the files asked for, if they are sound."""
    _refuse_stand_ins(weights)
    bench = draft / "sandbox"
    bench.mkdir()
    names = [_shard_name(number, len(weights.files)) for number in range(1, len(weights.files) + 1)]
    pairs = [
        (str(file.resolve()), str(bench / name)) for file, name in zip(weights.files, names, strict=True)
    ]
    progress = ByteProgress(report, "converting", weights.bytes)
    result = run_in_sandbox(
        READER_MODULE,
        [path for pair in pairs for path in pair],
        _limits(weights),
        readable=[file.resolve() for file in weights.files],
        writable=[bench],
        on_line=lambda line: progress.add(int(line) if line.isdecimal() else 0),
        environment={"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""},
    )
    _check_result(weights, result)
    shards = [_taken(bench / name, draft) for name in names]
    shutil.rmtree(bench)
    return shards


def _refuse_stand_ins(weights: Weights) -> None:
    for file in weights.files:
        if instead := stand_in_file(file):
            raise stands_in(file, instead)


def _limits(weights: Weights) -> SandboxLimits:
    seconds = 120 + weights.bytes // SLOWEST_BYTES_PER_SECOND
    largest = max(file.stat().st_size for file in weights.files)
    return SandboxLimits(
        wall_seconds=seconds,
        cpu_seconds=seconds,
        memory_bytes=TORCH_ADDRESS_SPACE_BYTES + 2 * largest,
        data_bytes=TORCH_DATA_BYTES + 3 * largest,
        file_bytes=2 * largest + MIB,
        open_files=256,
    )


def _taken(written: Path, draft: Path) -> Path:
    if written.is_symlink() or not written.is_file():
        raise _refused(written.name, say("conversion-left-no-file"))
    read_header(written)
    return written.rename(draft / written.name)


def _check_result(weights: Weights, result: SandboxResult) -> None:
    said = result.value if isinstance(result.value, dict) else {}
    if result.reason == "ok" and type(said.get("tensors")) is int:
        return
    names = [file.name for file in weights.files]
    name = said["file"] if said.get("file") in names else ", ".join(names[:3])
    if "refused" in said:
        raise _refused(name, say("pickle-not-only-weights", wanted=_printable(said["refused"])))
    if "No space left" in result.error_text:
        raise _disk_full(say("no-space-to-convert", file=name))
    if result.reason in ("signal", "file_size", "memory"):
        raise _refused(name, say("conversion-hit-limit", limit=result.reason))
    error = _printable(said.get("error") or (result.error_text.splitlines() or [result.reason])[-1])
    raise JobFailed(
        FailureCode.MODEL_UNREADABLE,
        say("pickle-not-converted", file=name, why=_odd_content(said) or error),
        say("fetch-pickle-again"),
    )


def _odd_content(said: dict[str, Any]) -> Message | None:
    """What else than tensors the reader found; its words are those of an untrusted process."""
    entry, kind = _printable(said.get("entry")), _printable(said.get("kind"))
    match said.get("odd"):
        case "content":
            return say("pickle-holds-no-dictionary", kind=kind)
        case "entry":
            return say("pickle-entry-no-tensor", entry=entry)
        case "tensor":
            return say("pickle-tensor-of-odd-kind", tensor=entry, kind=kind)
        case "size" if type(said.get("bytes")) is int and 0 <= said["bytes"] < 2**63:
            return say("pickle-unfolds", unfolded_bytes=said["bytes"])
    return None


def _refused(name: str, why: Message) -> JobFailed:
    return JobFailed(
        FailureCode.MODEL_REFUSED, say("pickle-refused", file=name, why=why), say("get-trusted-safetensors")
    )


def _refuse_full_disk(weights: Weights, models_folder: Path) -> None:
    models_folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(models_folder).free
    if weights.bytes + 64 * MIB > free:
        raise _disk_full(
            say("converted-copy-does-not-fit", wanted_bytes=weights.bytes + 64 * MIB, free_bytes=free)
        )


def _disk_full(message: Message) -> JobFailed:
    return JobFailed(FailureCode.DISK_FULL, message, say("free-or-move-data-folder"))


def _shard_name(number: int, count: int) -> str:
    return "model.safetensors" if count == 1 else f"model-{number:05d}-of-{count:05d}.safetensors"


def _write_index(draft: Path, shards: list[Path]) -> None:
    if len(shards) == 1:
        return
    headers = {shard.name: read_header(shard) for shard in shards}
    weight_map = {tensor: shard for shard, header in headers.items() for tensor in header}
    offsets = [entry["data_offsets"] for header in headers.values() for entry in header.values()]
    index = {"metadata": {"total_size": sum(end - begin for begin, end in offsets)}, "weight_map": weight_map}
    (draft / "model.safetensors.index.json").write_text(json.dumps(index, indent=1), encoding="utf-8")


def _described(file: Path, report: Report) -> dict[str, Any]:
    status = file.stat()
    return {"bytes": status.st_size, "modified_ns": status.st_mtime_ns, "sha256": _hash(file, report)}


def _hash(file: Path, report: Report) -> str:
    return file_sha256(file, ByteProgress(report, "hashing", file.stat().st_size).add)


def _printable(text: object) -> str:
    """What an untrusted process said, fit for a log and a record."""
    return "".join(sign if sign.isprintable() else " " for sign in str(text))[:300]
