"""Fields of a config.json in forms that transformers can't read, put into those that it can.

Layers: the documentation of transformers' Exaone4Config, whose own code divides by the pattern. Rotary: its
Phi3Config renames these types only after it has looked for what belongs to them.
"""

from collections.abc import Mapping
from typing import Any

_BY_PATTERN = ("exaone4", "exaone_moe")
_WINDOW, _WHOLE = "sliding_attention", "full_attention"
_DEFAULT_WINDOW, _DEFAULT_PATTERN = 4096, 4
_LONGROPE_WAS = ("su", "yarn")


def in_new_forms(config: Mapping[str, Any]) -> dict[str, Any]:
    """`config`, whose other fields stay as they are."""
    return {**config, **_layer_types(config), **_longrope(config)}


def _layer_types(config: Mapping[str, Any]) -> dict[str, Any]:
    """What a window and its pattern mean for EXAONE 4, where it is not said of each layer."""
    layers = config.get("num_hidden_layers")
    needed = config.get("model_type") in _BY_PATTERN and config.get("layer_types") is None
    if not needed or type(layers) is not int:
        return {}
    window = config.get("sliding_window", _DEFAULT_WINDOW)
    pattern = config.get("sliding_window_pattern", _DEFAULT_PATTERN)
    return {"layer_types": _types(None if window is None else pattern, layers)}


def _types(pattern: object, layers: int) -> list[str]:
    """A word is repeated, L is a window, and the last layer sees all; so does each n-th for a number n."""
    if isinstance(pattern, str) and pattern:
        letters = [pattern[layer % len(pattern)] for layer in range(layers - 1)]
        return [_WINDOW if letter == "L" else _WHOLE for letter in letters] + [_WHOLE]
    if type(pattern) is int and pattern > 0:
        return [_WINDOW if (layer + 1) % pattern else _WHOLE for layer in range(layers)]
    return [_WHOLE] * layers


def _longrope(config: Mapping[str, Any]) -> dict[str, Any]:
    """Phi-3's first configurations call its rotary type otherwise."""
    scaling = config.get("rope_scaling")
    if config.get("model_type") != "phi3" or not isinstance(scaling, dict):
        return {}
    named = {name for name in ("type", "rope_type") if scaling.get(name) in _LONGROPE_WAS}
    return {"rope_scaling": {**scaling, **dict.fromkeys(named, "longrope")}}
