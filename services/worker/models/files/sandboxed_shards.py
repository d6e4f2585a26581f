"""Lets the sandbox turn `.bin` files into safetensors, and judges what it says and leaves."""

import shutil
from pathlib import Path
from typing import Any

from services.worker.failures import FailureCode, JobFailed
from services.worker.models.files.model_folder import stands_in
from services.worker.models.files.weight_files import Weights, read_header
from services.worker.models.reading.byte_progress import ByteProgress
from services.worker.running_job import RunningJob
from shared.look_alikes import stand_in_file
from shared.messages.message import Message, say
from shared.sandbox import SandboxLimits, SandboxResult, run_in_sandbox

READER_MODULE = "services.worker.models.files.pickle_reader"
SLOWEST_BYTES_PER_SECOND = 2_000_000
# Address space that torch reserves and never touches; a pickle is mapped, so its own size comes on top.
TORCH_ADDRESS_SPACE_BYTES = 24 * 1024**3
TORCH_DATA_BYTES = 2 * 1024**3  # its own, with and without CUDA's libraries; weights come on top
MIB = 1024**2


def sandboxed_shards(weights: Weights, draft: Path, job: RunningJob) -> list[Path]:
    """The weights as safetensors files in `draft`, one for each file: written into a folder of the sandbox's
    own, and taken from there if they are sound. Raises JobFailed: MODEL_REFUSED, MODEL_UNREADABLE, DISK_FULL.
    """
    _refuse_stand_ins(weights)
    bench = draft / "sandbox"
    bench.mkdir()
    names = [_shard_name(number, len(weights.files)) for number in range(1, len(weights.files) + 1)]
    pairs = [
        (str(file.resolve()), str(bench / name)) for file, name in zip(weights.files, names, strict=True)
    ]
    progress = ByteProgress(job, "converting", weights.bytes)
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
        raise no_room(say("no-space-to-convert", file=name))
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


def no_room(message: Message) -> JobFailed:
    return JobFailed(FailureCode.DISK_FULL, message, say("free-or-move-data-folder"))


def _shard_name(number: int, count: int) -> str:
    return "model.safetensors" if count == 1 else f"model-{number:05d}-of-{count:05d}.safetensors"


def _printable(text: object) -> str:
    """What an untrusted process said, fit for a log and a record."""
    return "".join(sign if sign.isprintable() else " " for sign in str(text))[:300]
