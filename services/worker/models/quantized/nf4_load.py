"""Loads a prepared nf4 artifact: one file in large reads, its bytes taken as the parameters themselves."""

import hashlib
import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from accelerate import init_empty_weights
from transformers import PreTrainedModel
from transformers.quantizers.auto import AutoHfQuantizer

from services.worker.failures import JobFailed
from services.worker.models.families.blueprint import choose_blueprint
from services.worker.models.files.weight_files import header_length, parse_header
from services.worker.models.memory import is_out_of_memory
from services.worker.models.quantized.nf4_artifact import WEIGHTS_NAME
from services.worker.models.quantized.own_kernels import bitsandbytes
from services.worker.models.reading.byte_progress import ByteProgress
from services.worker.models.reading.large_reads import CutShort, read_file
from services.worker.models.reading.phases import LoadPhases
from services.worker.running_job import JobStopped, RunningJob
from shared.messages.message import Message, say
from shared.messages.render import in_english
from shared.sealed_folder import manifest_of

logger = logging.getLogger(__name__)

_DTYPES = {
    "U8": torch.uint8,
    "I8": torch.int8,
    "I32": torch.int32,
    "I64": torch.int64,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "F32": torch.float32,
    "F64": torch.float64,
    "BOOL": torch.bool,
}


class ArtifactUnusable(Exception):
    """The artifact can't be used as it is; the source can."""

    def __init__(self, said: Message) -> None:
        super().__init__(in_english(said))
        self.said = said


def why_unusable(error: ArtifactUnusable | OSError) -> str | Message:
    """Why an artifact was not loaded: in our words, or in the system's."""
    return error.said if isinstance(error, ArtifactUnusable | CutShort) else str(error)


def load_nf4(folder: Path, dtype: torch.dtype, phases: LoadPhases, job: RunningJob) -> PreTrainedModel:
    """The model of the artifact in `folder`, on the phases' device. Raises ArtifactUnusable, OSError.

    What is hashed are the very bytes that become the parameters, so a file changed in between is found.
    """
    with _unusable_explained(folder):
        return _load(folder, dtype, phases, job)


@contextmanager
def _unusable_explained(folder: Path) -> Iterator[None]:
    """What tensors that no longer fit make the libraries raise has no common base: the source can be loaded.

    Left as they are: orders to the job, a disk that did not answer, and a device that has too little memory
    or is broken, none of which says anything about the artifact.
    """
    try:
        yield
    except (ArtifactUnusable, JobFailed, JobStopped, OSError, torch.AcceleratorError):
        raise
    except Exception as error:
        if is_out_of_memory(error):
            raise
        logger.warning("%s was not loaded", folder, exc_info=error)
        what = f"{type(error).__name__}: {error}"[:500]
        raise ArtifactUnusable(say("no-model-of-copy", folder=folder, error=what)) from error


def _load(folder: Path, dtype: torch.dtype, phases: LoadPhases, job: RunningJob) -> PreTrainedModel:
    manifest = manifest_of(folder) or {}
    described, path = _described(manifest, WEIGHTS_NAME), folder / WEIGHTS_NAME
    if not path.is_file():
        raise ArtifactUnusable(say("copy-is-no-file", file=path))
    config = _config(folder / "config.json", _described(manifest, "config.json"))
    with phases.time("read"):
        progress = ByteProgress(job, "reading", described.get("bytes", 0))
        content, sha256 = read_file(path, progress.reached)
        if sha256 != described.get("sha256"):
            raise ArtifactUnusable(say("file-of-other-hash", file=path))
        tensors = _views(content, path)
    with phases.time("rest"):
        model = _skeleton(config, dtype)
    with phases.time("move"):
        _fill(model, tensors, phases.device)
        model.tie_weights()
    if missing := [name for name, tensor in model.state_dict().items() if tensor.is_meta]:
        raise ArtifactUnusable(say("copy-lacks-tensors", file=path, count=len(missing), first=missing[0]))
    return model


def _described(manifest: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    entry = manifest.get("files", {}).get(name)
    return entry if isinstance(entry, dict) else {}


def _config(path: Path, described: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration out of the very bytes that have the manifest's hash."""
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != described.get("sha256"):
        raise ArtifactUnusable(say("file-of-other-hash", file=path))
    return dict(json.loads(content))


def _views(content: torch.Tensor, path: Path) -> dict[str, torch.Tensor]:
    """Every tensor of a safetensors file as a view of its bytes."""
    try:
        length = header_length(bytes(content[:8].numpy()), len(content), path)
        header = parse_header(bytes(content[: 8 + length].numpy()), len(content), path)
    except JobFailed as failed:
        raise ArtifactUnusable(failed.failure.said) from failed
    data = content[8 + length :]
    if unknown := {entry["dtype"] for entry in header.values()} - _DTYPES.keys():
        raise ArtifactUnusable(say("copy-of-odd-dtypes", file=path, dtypes=sorted(unknown)))
    return {
        name: data[slice(*entry["data_offsets"])].view(_DTYPES[entry["dtype"]]).view(entry["shape"])
        for name, entry in header.items()
    }


def _skeleton(config: dict[str, Any], dtype: torch.dtype) -> PreTrainedModel:
    """The module tree with 4-bit layers, parameters without memory, buffers computed."""
    blueprint = choose_blueprint(config)
    if not blueprint.is_quantized:
        raise ArtifactUnusable(say("copy-not-quantized"))
    quantizer: Any = AutoHfQuantizer.from_config(blueprint.config.quantization_config, pre_quantized=True)
    with init_empty_weights(include_buffers=False):
        model = blueprint.build(dtype=dtype)
    quantizer.preprocess_model(model, dtype=dtype, device_map=None)
    model.hf_quantizer = quantizer
    quantizer.postprocess_model(model, config=blueprint.config)
    return model


def _fill(model: PreTrainedModel, tensors: Mapping[str, torch.Tensor], device: torch.device) -> None:
    left = dict(tensors)
    for name, module in model.named_modules():
        prefix = f"{name}." if name else ""
        if isinstance(module, bitsandbytes.nn.Linear4bit):
            stats = {
                key.removeprefix(prefix): left.pop(key)
                for key in [key for key in left if key.startswith(f"{prefix}weight.")]
            }
            if f"{prefix}weight" not in left:
                raise ArtifactUnusable(say("copy-lacks-tensor", tensor=f"{prefix}weight"))
            module.weight = bitsandbytes.nn.Params4bit.from_prequantized(
                left.pop(f"{prefix}weight"), stats, requires_grad=False, device=device, module=module
            )
        for own_name, parameter in list(module.named_parameters(recurse=False)):
            if parameter.is_meta and (value := left.pop(prefix + own_name, None)) is not None:
                if value.shape != parameter.shape:
                    shape = str(list(value.shape))
                    raise ArtifactUnusable(say("copy-of-other-shape", tensor=prefix + own_name, shape=shape))
                setattr(module, own_name, torch.nn.Parameter(value.to(device), requires_grad=False))
        for own_name, buffer in list(module.named_buffers(recurse=False)):
            module._buffers[own_name] = left.pop(prefix + own_name, buffer).to(device)
    if left:
        raise ArtifactUnusable(say("copy-has-spare-tensors", count=len(left), first=next(iter(left))))
