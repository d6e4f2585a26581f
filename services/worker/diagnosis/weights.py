"""The weight files in a model's folder: formats, dtypes and damage, told without opening a pickle."""

import math
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from services.worker.failures import JobFailed
from services.worker.models.files.model_folder import leads_out
from services.worker.models.files.weight_files import HeaderReader, find_weights, is_file_name
from shared.messages.message import Message
from shared.reports.model_files import Checkpoint, FileFormat, ModelSource, WeightFile

_OTHER_SUFFIXES = (".h5", ".msgpack", ".onnx", ".onnx_data", ".ot", ".mlmodel", ".npz", ".tflite")
_NOT_WEIGHTS = ("training_args", "optimizer", "scheduler", "rng_state", "scaler", "tokenizer")
_ZIP_MAGIC = b"PK\x03\x04"  # what torch.save writes since 1.6
_NF4_STATE = ".quant_state.bitsandbytes__"
_QUANTIZED_DTYPES = ("U8", "I8", "F8_E4M3", "F8_E5M2", "I32", "F4")
_INTEGER_BUFFERS = ("bias", "mask", "_ids")


def describe_checkpoint(folder: Path, source: ModelSource, revision: str | None) -> Checkpoint:
    """What weights lie in `folder` and its direct sub-folders, and which of them a load opens."""
    opened, problems = _opened_names(folder)
    headers: dict[str, Any] = {}
    reader = HeaderReader()
    ours_first = sorted(_weight_files(folder), key=lambda path: path.name not in opened)
    described = [_describe(path, folder, opened, headers, reader) for path in ours_first]
    files = tuple(sorted(described, key=lambda file: file.name))
    parameters = _parameters(headers)
    return Checkpoint(
        folder=str(folder),
        source=source,
        revision=revision,
        files=files,
        problems=problems,
        parameters=sum(parameters.values()) or None,
        dtype_parameters=dict(parameters.most_common()),
        bfloat16_bytes=_bfloat16_bytes(headers),
        nf4_bytes=_nf4_bytes(folder, headers),
        quantized=_is_quantized(headers),
    )


def weight_paths(checkpoint: Checkpoint) -> list[Path]:
    """The files a load opens, or all where none can be loaded; as real files (a hub cache's are links)."""
    return [(Path(checkpoint.folder) / file.name).resolve() for file in checkpoint.opened or checkpoint.files]


def _opened_names(folder: Path) -> tuple[frozenset[str], tuple[Message, ...]]:
    try:
        return frozenset(path.name for path in find_weights(folder).files), ()
    except JobFailed as failure:
        return frozenset(), (failure.failure.said,)


def _weight_files(folder: Path) -> list[Path]:
    """Links with no file behind them are left out: the index or the loader misses those.

    So are links out of the folder, names that no terminal can show, and what is no file.
    """
    found = [path for pattern in ("*", "*/*") for path in folder.glob(pattern)]
    return sorted(
        path
        for path in found
        if _format_by_name(path) is not None
        and is_file_name(path.name)
        and is_file_name(path.parent.name)
        and not leads_out(path, folder)
        and path.is_file()
    )


def _format_by_name(path: Path) -> FileFormat | None:
    if path.name.startswith(_NOT_WEIGHTS):
        return None
    if path.suffix in (".bin", ".pt", ".pth", ".ckpt"):
        return "pickle"
    known: dict[str, FileFormat] = {".safetensors": "safetensors", ".gguf": "gguf"}
    return known.get(path.suffix) or ("other" if path.suffix in _OTHER_SUFFIXES else None)


def _describe(
    path: Path, folder: Path, opened: frozenset[str], headers: dict[str, Any], reader: HeaderReader
) -> WeightFile:
    name = path.relative_to(folder).as_posix()
    form = _format_by_name(path)
    tensors, problem = None, None
    if form == "pickle":
        form = _pickle_form(path)
    if form == "safetensors":
        try:
            header = reader.read(path)
            tensors = len(header)
            if name in opened:
                headers.update(header)
        except JobFailed as failure:
            problem = failure.failure.said
    return WeightFile(
        name=name,
        format=form or "other",
        bytes=path.stat().st_size,
        opened=name in opened,
        tensors=tensors,
        problem=problem,
    )


def _pickle_form(path: Path) -> FileFormat:
    with path.open("rb") as stream:
        return "pickle" if stream.read(4) == _ZIP_MAGIC else "legacy pickle"


def _parameters(headers: Mapping[str, Any]) -> Counter[str]:
    """Parameters by dtype; an nf4 weight holds two in a byte, and its scales and maps are none."""
    packed = {name.partition(_NF4_STATE)[0] for name in headers if _NF4_STATE in name}
    counts: Counter[str] = Counter()
    for name, entry in headers.items():
        values = math.prod(entry["shape"])
        if name in packed:
            counts["NF4"] += 2 * values
        elif name.partition(".weight.")[0] + ".weight" not in packed:
            counts[entry["dtype"]] += values
    return counts


def _is_quantized(headers: Mapping[str, Any]) -> bool:
    """Whether weights are: older models keep integer masks and positions beside weights of full width."""
    return any(
        entry["dtype"] in _QUANTIZED_DTYPES and not name.endswith(_INTEGER_BUFFERS)
        for name, entry in headers.items()
    )


def _bfloat16_bytes(headers: Mapping[str, Any]) -> int | None:
    # Here, not above: this needs torch, which facts about files and the checks over them do without.
    import torch

    from services.worker.models.memory import loaded_bytes

    return loaded_bytes(headers, "none", torch.bfloat16) if headers else None


def _nf4_bytes(folder: Path, headers: Mapping[str, Any]) -> int | None:
    """As the loader reckons; of a model that it can't load, by the shapes of its tensors alone."""
    if not headers:
        return None
    import torch

    from services.worker.models.families.look import abilities_of, read_config
    from services.worker.models.memory import loaded_bytes

    try:
        config = read_config(folder)
        _, abilities = abilities_of(folder, config, headers, quantization="nf4", dtype=torch.bfloat16)
    except JobFailed:
        return loaded_bytes(headers, "nf4", torch.bfloat16)
    return abilities.loaded_bytes
