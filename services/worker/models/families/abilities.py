"""What a base model can do, known before a weight is read: from a skeleton of its modules, without memory.

The loader, the memory estimate, a load diagnosis and training all go by these facts.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import nn
from transformers import PreTrainedModel
from transformers.quantizers.auto import AutoHfQuantizer

from services.worker.models.memory import NF4_BYTES_PER_WEIGHT
from services.worker.models.quantized import nf4
from services.worker.models.quantized.own_kernels import bitsandbytes

if TYPE_CHECKING:
    from services.worker.models.families.blueprint import Blueprint

_SPARE_POSITIONS = 8  # some tables begin with rows for padding: OPT's has two more than its positions
_COMPUTED_TABLES = ("mpt",)  # these make theirs anew in each forward pass, no larger than config.json says
_ROTATED_BY_LONGEST = {  # type of rotary positions → where their limit stands
    "dynamic": "max_position_embeddings",
    "longrope": "original_max_position_embeddings",
}
_POSITION_FIELDS = ("max_position_embeddings", "n_positions", "n_ctx", "max_seq_len", "seq_length")


@dataclass(frozen=True)
class Abilities:
    """Sizes of a base model as it is trained here: 4-bit where that can be, adapters on linear layers.

    `token_rows` is how many tokens its embedding has. `positions`: how many a table in the model has, beyond
    which it fails; `meant_positions`: how many config.json names, beyond which it computes, but was not
    trained; `steady_positions`: how long rows may be so that a row's positions are rotated alike whatever it
    is computed with, None without limit. `language_part` is the path of the part that writes, "" where that
    is all of the model; nothing else is trained. `whole_weights` are parameters in matrices that are neither
    quantized nor adapted, the embedding and the head aside (stacks of experts, say), `whole_name` is the
    largest one's.
    """

    loaded_bytes: int
    parameters: int
    token_rows: int | None = None
    positions: int | None = None
    meant_positions: int | None = None
    steady_positions: int | None = None
    language_part: str = ""
    outside: str = ""
    """A pattern of the paths of modules that belong to no language, as PEFT's `exclude_modules` takes it."""
    whole_weights: int = 0
    whole_name: str = ""
    unquantized_weights: int = 0
    """Parameters in linear layers that get an adapter but stay as wide as they are (Falcon's, say)."""

    @classmethod
    def of(
        cls, blueprint: "Blueprint", skeleton: PreTrainedModel, dtype: torch.dtype, *, nf4: bool
    ) -> "Abilities":
        """Of the model of `blueprint`, built on the device "meta"; with `nf4` its layers are 4-bit ones."""
        if nf4:
            quantize_skeleton(blueprint, skeleton, dtype)
        others = outside_language(skeleton)
        whole = dict(_whole_matrices(skeleton, others)) if nf4 else {}
        embedding = skeleton.get_input_embeddings()
        weight = getattr(embedding, "weight", None)
        return cls(
            loaded_bytes=_loaded_bytes(skeleton, dtype),
            parameters=sum(_values(skeleton)),
            token_rows=None if weight is None else int(weight.shape[0]),
            positions=_table_of_positions(skeleton, embedding, others),
            meant_positions=_named_positions(skeleton),
            steady_positions=_steady_positions(skeleton),
            language_part=language_part(skeleton),
            outside=others,
            whole_weights=sum(whole.values()),
            whole_name=max(whole, key=lambda name: whole[name], default=""),
            unquantized_weights=_unquantized(skeleton, others) if nf4 else 0,
        )


UNKNOWN = Abilities(loaded_bytes=0, parameters=0)


def skeleton_of(blueprint: "Blueprint") -> PreTrainedModel:
    """The model's modules without memory."""
    with torch.device("meta"):
        return blueprint.build()


def quantize_skeleton(blueprint: "Blueprint", skeleton: PreTrainedModel, dtype: torch.dtype) -> None:
    """Put 4-bit layers in place of those that a load would quantize, by the rule of the load itself."""
    config = (
        blueprint.config.quantization_config if blueprint.is_quantized else nf4.quantization_config(dtype)
    )
    quantizer = AutoHfQuantizer.from_config(config, pre_quantized=blueprint.is_quantized)
    quantizer.preprocess_model(skeleton, dtype=dtype, device_map=None)


def language_part(model: PreTrainedModel) -> str:
    """The path of the module that a multimodal model writes with; "" for a model that only does that."""
    language = model.config.get_text_config()
    if language is model.config:
        return ""
    paths = (
        path
        for path, module in model.named_modules()
        if path and isinstance(module, PreTrainedModel) and type(module.config) is type(language)
    )
    return next(paths, "")


def outside_language(model: PreTrainedModel) -> str:
    """A pattern of the paths outside the language part, or in models of another kind within; "" if there are
    none.
    """
    if part := language_part(model):
        return rf"(?!{re.escape(part)}\.).*"
    kinds = (type(model.config), type(model.config.get_text_config()))
    foreign = [
        path
        for path, module in model.named_modules()
        if path and isinstance(module, PreTrainedModel) and type(module.config) not in kinds
    ]
    return rf"({'|'.join(map(re.escape, foreign))})\..*" if foreign else ""


def _inside(path: str, outside: str) -> bool:
    return not (outside and re.fullmatch(outside, path))


def trained_linears(
    model: nn.Module, outside: str, head: nn.Module | None
) -> Iterator[tuple[str, nn.Linear]]:
    """Path and module of every linear layer that gets an adapter: of the language part, and not the head."""
    for path, module in model.named_modules():
        inside = isinstance(module, nn.Linear) and _inside(path, outside)
        if inside and module is not head and _is_only_linear(module):
            yield path, module


def _is_only_linear(module: nn.Linear) -> bool:
    """Whether a layer that its model made of a linear one still answers with that one's values.

    Routers of experts are such layers, too, and answer with scores and choices.
    """
    kind = type(module)
    if kind in (nn.Linear, bitsandbytes.nn.Linear4bit):
        return True
    with torch.no_grad():
        try:
            answer = module(module.weight.new_zeros(2, 3, module.in_features))
        except Exception:
            return False
    return isinstance(answer, torch.Tensor) and answer.shape == (2, 3, module.out_features)


def short_name(path: str) -> str:
    """The end of a layer's path that tells it from others: its name, after its parent's for a number."""
    parent, _, name = path.rpartition(".")
    return f"{parent.rpartition('.')[2]}.{name}" if name.isdecimal() and parent else name


def _values(model: nn.Module) -> Iterator[int]:
    for _, module, parameter in _parameters(model):
        yield _count(module, parameter)


def _loaded_bytes(model: nn.Module, dtype: torch.dtype) -> int:
    total = 0.0
    for _, module, parameter in _parameters(model):
        values = _count(module, parameter)
        packed = isinstance(module, bitsandbytes.nn.Linear4bit) and parameter is module.weight
        total += values * (NF4_BYTES_PER_WEIGHT if packed else dtype.itemsize)
    return round(total)


def _count(module: nn.Module, parameter: nn.Parameter) -> int:
    if isinstance(module, bitsandbytes.nn.Linear4bit) and parameter is module.weight:
        return int(module.in_features * module.out_features)
    return parameter.numel()


def _parameters(model: nn.Module) -> Iterator[tuple[str, nn.Module, nn.Parameter]]:
    """Each parameter once, with the module it belongs to; tied ones belong to the first."""
    seen = set[int]()
    for path, module in model.named_modules():
        for name, parameter in module.named_parameters(recurse=False):
            if id(parameter) not in seen:
                seen.add(id(parameter))
                yield f"{path}.{name}" if path else name, module, parameter


def _whole_matrices(model: PreTrainedModel, outside: str) -> Iterator[tuple[str, int]]:
    """Matrices of the language part that are in no linear layer and no embedding, with their sizes."""
    for name, module, parameter in _parameters(model):
        other = not isinstance(module, nn.Linear | nn.Embedding)
        if other and parameter.dim() > 1 and _inside(name, outside):
            yield name, parameter.numel()


def _unquantized(model: PreTrainedModel, outside: str) -> int:
    linears = trained_linears(model, outside, model.get_output_embeddings())
    return sum(
        module.weight.numel() for _, module in linears if not isinstance(module, bitsandbytes.nn.Linear4bit)
    )


def _table_of_positions(model: PreTrainedModel, tokens: nn.Module | None, outside: str) -> int | None:
    """How many positions a table in the language part has, be it learned or computed beforehand."""
    named = _named_positions(model)
    if named is None:
        return None
    tables = [
        module.num_embeddings
        for path, module in model.named_modules()
        if isinstance(module, nn.Embedding) and module is not tokens and _inside(path, outside)
    ]
    tables += [
        length
        for path, buffer in model.named_buffers()
        if buffer.dim() > 1 and _inside(path, outside)
        for length in buffer.shape
    ]
    fits = model.config.model_type in _COMPUTED_TABLES or any(
        named <= length <= named + _SPARE_POSITIONS for length in tables
    )
    return named if fits else None


def _named_positions(model: PreTrainedModel) -> int | None:
    config = model.config.get_text_config()
    found = (getattr(config, field, None) for field in _POSITION_FIELDS)
    return next((value for value in found if isinstance(value, int) and value > 0), None)


def _steady_positions(model: PreTrainedModel) -> int | None:
    """Beyond these transformers rotates all of a micro-batch by its longest row (`dynamic_rope_update`)."""
    config = model.config.get_text_config()
    asked = getattr(config, "rope_parameters", None) or {}
    kinds = [one for one in asked.values() if isinstance(one, dict)] or [asked]  # one for each type of layer
    rotary = [(one, _ROTATED_BY_LONGEST.get(one.get("rope_type", ""))) for one in kinds]
    lengths = [one.get(field, getattr(config, field, None)) for one, field in rotary if field]
    return min((length for length in lengths if isinstance(length, int)), default=None)
