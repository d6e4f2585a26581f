"""Whether the sizes in a config.json can be those of its weights, asked before anything large is built.

A model is built as its configuration says: a billion layers would be a billion Python objects, and weights
that the checkpoint lacks would be allocated, long before anybody sees that they are missing.
"""

import math
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import torch
from transformers import PreTrainedModel

from services.worker.failures import FailureCode, JobFailed
from services.worker.models.families.abilities import skeleton_of
from shared.messages.message import Message, say

if TYPE_CHECKING:
    from services.worker.models.families.blueprint import Blueprint

_LAYERS = re.compile(r"(^|_)(n|num|encoder|decoder)_?(hidden_|decoder_|encoder_)?(layers?|blocks?)$")
_EXPERTS = re.compile(r"(^|_)experts?$")
_LABELS = re.compile(r"labels$")
_POSITIONS = re.compile(r"position|ctx")
_WIDTHS = re.compile(r"size|dim|head|rank|width|inner|embd|length|window|^d_")
_MOST_LAYERS, _MOST_LABELS, _LARGEST = 2048, 2**17, 2**26
# These compute a table of their positions, some of them number by number.
_WITH_A_TABLE, _LONGEST_TABLE = ("gptj", "codegen", "ctrl", "xlm", "flaubert", "xglm"), 2**14
_MOST_VALUES, _DEEPEST = 100_000, 32
_SPARE_VALUES = 2**20
_LAYER_NUMBER = re.compile(r"\.\d+\.")
_WHOLE_NUMBERS, _EIGHT_BITS = ("I", "U", "BOOL"), ("F8", "F4", "F6")
_PACKED = ("U8", "I8")


def refuse_impossible_sizes(config: Mapping[str, Any], headers: Mapping[str, Any]) -> None:
    """Compare the counts in `config` with the tensors in the safetensors `headers`.

    Every layer has a tensor of its own, every expert one or a place in a stack. Raises
    JobFailed(MODEL_UNREADABLE).
    """
    shapes = [entry["shape"] for entry in headers.values()]
    stacked = max((shape[0] for shape in shapes if len(shape) > 2), default=0)
    table = config.get("model_type") in _WITH_A_TABLE
    most = {
        _LAYERS: min(_MOST_LAYERS, len(shapes)),
        _EXPERTS: max(len(shapes), stacked),
        _LABELS: _MOST_LABELS,
        _POSITIONS: _LONGEST_TABLE if table else _LARGEST,
        _WIDTHS: _LARGEST,
    }
    for number, (name, value) in enumerate(_values(config, 0)):
        if number >= _MOST_VALUES:
            raise _unreadable(say("config-too-many-values", most=_MOST_VALUES))
        if not isinstance(value, int | float) or isinstance(value, bool):
            continue
        limit = next((limit for kind, limit in most.items() if kind.search(name)), None)
        if limit is not None and value > limit:
            field, seen = repr(name[:100]), str(value)[:40]
            raise _unreadable(
                say("config-count-impossible", field=field, value=seen, tensors=len(shapes), most=limit)
            )


def refuse_another_model(blueprint: "Blueprint", headers: Mapping[str, Any]) -> PreTrainedModel:
    """Build the model without memory and compare its size with that of its weights; returns it.

    Raises JobFailed(MODEL_UNREADABLE) when it would have many more parameters than `headers` describe, or
    whatever its class raises for wrong values.
    """
    model = skeleton_of(blueprint)
    built = sum(parameter.numel() for parameter in model.parameters())
    tables = sum(buffer.numel() for buffer in model.buffers())
    stored = sum(
        math.prod(entry["shape"]) * (2 if entry["dtype"] in _PACKED else 1) for entry in headers.values()
    )
    if max(built, tables) > 2 * stored + _SPARE_VALUES:
        raise _unreadable(say("config-of-larger-model", described=built + tables, stored=stored))
    stored_names = {_renamed(name, blueprint.key_mapping or {}): entry for name, entry in headers.items()}
    _refuse_other_shapes(model, stored_names)
    _refuse_missing(model, stored_names)
    _refuse_more_layers(model, stored_names)
    if not blueprint.is_quantized:
        _refuse_quantized(model, stored_names)
    return model


def _refuse_missing(model: PreTrainedModel, stored: Mapping[str, Any]) -> None:
    """Where all stored names are the model's own; of others only transformers knows what is missing."""
    wanted = model.state_dict(keep_vars=True)
    if not stored.keys() <= wanted.keys():
        return
    present = {id(wanted[name]) for name in stored}  # a tied tensor has two names
    missing = [name for name, tensor in wanted.items() if name not in stored and id(tensor) not in present]
    missing = [name for name in missing if isinstance(wanted[name], torch.nn.Parameter)]
    if missing:
        shape = str(list(wanted[missing[0]].shape))
        raise _unreadable(
            say("config-wants-tensors", count=len(missing), first=repr(missing[0][:100]), shape=shape)
        )


def _refuse_other_shapes(model: PreTrainedModel, stored: Mapping[str, Any]) -> None:
    """Of tensors that have the model's own names; what transformers renames or packs is seen in loading."""
    shapes = {name: list(tensor.shape) for name, tensor in model.state_dict().items()}
    for name, entry in stored.items():
        wanted = shapes.get(name)
        if wanted is None or wanted == entry["shape"] or entry["dtype"] in _PACKED:
            continue
        if math.prod(wanted) == math.prod(entry["shape"]):
            continue  # transformers turns some, and says so itself if it does not
        shape = str(entry["shape"])
        raise _unreadable(
            say("config-of-other-shape", tensor=repr(name[:100]), described=str(wanted), stored=shape)
        )


def _refuse_more_layers(model: PreTrainedModel, stored: Mapping[str, Any]) -> None:
    """Layers beyond those that config.json counts would be left out, and a part of the model be trained."""
    kinds = {_LAYER_NUMBER.sub(".#.", name) for name in model.state_dict()}
    ignored = [re.compile(pattern) for pattern in model._keys_to_ignore_on_load_unexpected or ()]
    more = [
        name
        for name in stored.keys() - model.state_dict().keys()
        if _LAYER_NUMBER.search(name) and _LAYER_NUMBER.sub(".#.", name) in kinds
        and not any(pattern.search(name) for pattern in ignored)
    ]  # fmt: skip
    if more:
        raise _unreadable(say("config-of-fewer-layers", count=len(more), first=repr(min(more)[:100])))


def _refuse_quantized(model: PreTrainedModel, stored: Mapping[str, Any]) -> None:
    """Whole numbers in a weight's place are a quantized one's, and mean nothing without its scales."""
    scaled = any("scale" in name for name in stored)
    for name, _ in model.named_parameters():
        kind = str(stored[name]["dtype"]) if name in stored else ""
        if kind.startswith(_WHOLE_NUMBERS) or (scaled and kind.startswith(_EIGHT_BITS)):
            raise JobFailed(
                FailureCode.MODEL_UNSUPPORTED,
                say("weights-hold-quantized", tensor=repr(name[:100]), kind=kind),
                say("name-unquantized"),
            )


def _renamed(name: str, mapping: Mapping[str, str]) -> str:
    for pattern, replacement in mapping.items():
        name = re.sub(pattern, replacement, name)
    return name


def _values(content: object, depth: int, name: str = "") -> Iterator[tuple[str, object]]:
    """Every value in a configuration with the name nearest to it."""
    if depth > _DEEPEST:
        raise _unreadable(say("config-nests-too-deep", most=_DEEPEST))
    yield name, content
    if isinstance(content, Mapping):
        for inner, value in content.items():
            yield from _values(value, depth + 1, str(inner))
    elif isinstance(content, list):
        for value in content:
            yield from _values(value, depth + 1, name)


def _unreadable(message: Message) -> JobFailed:
    return JobFailed(FailureCode.MODEL_UNREADABLE, message, say("fetch-config-of-revision"))
