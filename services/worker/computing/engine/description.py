"""What the layers must know of a dense decoder: read from its configuration, and nowhere else."""

from dataclasses import dataclass

from transformers import PreTrainedConfig

from services.worker.computing.engine.elementwise import Activation
from services.worker.computing.engine.traits import FAMILIES, Scales, Traits
from shared.messages.message import Message, say

ACTIVATIONS: dict[str, Activation] = {
    "silu": "silu",
    "swish": "silu",
    "gelu": "gelu",
    "gelu_pytorch_tanh": "gelu_tanh",
}
FIXED_ANGLES = ("default", "linear", "llama3", "yarn")  # which depend on nothing but the position
# Whose angles depend on the longest row of a micro-batch where that is longer than this field says.
ANGLES_FIXED_UP_TO = {"longrope": "original_max_position_embeddings", "dynamic": "max_position_embeddings"}
# Where a row's tokens see each other in any other way, or dropout changes what is computed.
MUST_BE_OFF = (
    "attention_dropout",
    "embd_pdrop",
    "resid_pdrop",
    "residual_dropout",
    "use_bidirectional_attention",
)
EXPERTS = ("num_experts", "num_local_experts", "n_routed_experts")
TOWERS = ("vision_config", "audio_config")
ATTENTION = ("full_attention", "sliding_attention")


class NotDescribed(Exception):
    """`reason` says what of the configuration the layers do not know."""

    def __init__(self, reason: Message) -> None:
        super().__init__(reason.message_id)
        self.reason = reason


@dataclass(frozen=True)
class Description:
    """A decoder, whatever its family. `queries` heads share `keys` heads, each of size `size`.

    Of each layer `windows` says how many keys a token sees, itself included (None: all), and `angles` by
    which of the rotary's angles it is rotated (None: it has no position; "" where there is one kind).
    Rows longer than `longest_row` would have other angles in another micro-batch (None: never).
    """

    traits: Traits
    layers: int
    hidden: int
    inner: int
    queries: int
    keys: int
    size: int
    activation: Activation
    scales: Scales
    windows: tuple[int | None, ...]
    angles: tuple[str | None, ...]
    longest_row: int | None


def describe(config: PreTrainedConfig, class_name: str | None = None) -> Description:
    """Of a model of the class (None: the family's own, with a language head). Raises NotDescribed."""
    traits = FAMILIES.get(type(config))
    if reason := _of_another_kind(config):
        raise NotDescribed(reason)
    if traits is None or class_name not in (None, traits.class_name):
        raise NotDescribed(say("model-is-no-llama", model_class=class_name or type(config).__name__))
    queries = config.num_attention_heads
    return Description(
        traits,
        layers=config.num_hidden_layers,
        hidden=config.hidden_size,
        inner=inner_size(config),
        queries=queries,
        keys=getattr(config, "num_key_value_heads", None) or queries,
        size=getattr(config, "head_dim", None) or config.hidden_size // queries,
        activation=_activation(config, traits),
        scales=traits.scales(config),
        windows=_windows(config, traits),
        angles=_angles(config, traits),
        longest_row=_longest_row(config, traits),
    )


def inner_size(config: PreTrainedConfig) -> int:
    """How wide an MLP is between its matrices, in a family without a description by the usual field, and four
    times the stream where there is none.
    """
    traits = None if _experts(config) else FAMILIES.get(type(config))
    field = traits.inner if traits else "intermediate_size"
    return int(getattr(config, field, None) or 4 * config.hidden_size)


def _of_another_kind(config: PreTrainedConfig) -> Message | None:
    """What no description fits: experts, towers, layers without attention, dropout."""
    if experts := _experts(config):
        return say("own-layers-not-for-experts", experts=experts)
    for name in TOWERS:
        if getattr(config, name, None) is not None:
            return say("own-layers-not-for-towers", part=name)
    for kind in getattr(config, "layer_types", None) or ():
        if kind not in ATTENTION:
            return say("own-layers-not-for-layer-type", layer_type=str(kind))
    for name in MUST_BE_OFF:
        if value := getattr(config, name, None):
            return _not_for(name, value)
    return None


def _experts(config: PreTrainedConfig) -> int:
    return next((int(count) for name in EXPERTS if (count := getattr(config, name, None))), 0)


def _activation(config: PreTrainedConfig, traits: Traits) -> Activation:
    name = getattr(config, traits.activation)
    if name not in ACTIVATIONS:
        raise NotDescribed(_not_for(traits.activation, name))
    return ACTIVATIONS[name]


def _windows(config: PreTrainedConfig, traits: Traits) -> tuple[int | None, ...]:
    window = None if traits.windows == "none" else config.sliding_window
    if window is not None and window < 1:
        raise NotDescribed(_not_for("sliding_window", window))
    if traits.windows != "by type":
        return (window,) * config.num_hidden_layers
    types = config.layer_types[: config.num_hidden_layers]
    if window is None and "sliding_attention" in types:
        raise NotDescribed(_not_for("sliding_window", window))
    return tuple(window if kind == "sliding_attention" else None for kind in types)


def _angles(config: PreTrainedConfig, traits: Traits) -> tuple[str | None, ...]:
    kinds = config.layer_types if traits.angles == "by type" else [""] * config.num_hidden_layers
    return tuple(
        None if traits.unplaced(config, layer) else kinds[layer] for layer in range(config.num_hidden_layers)
    )


def _longest_row(config: PreTrainedConfig, traits: Traits) -> int | None:
    parameters = config.rope_parameters or {}
    by_type = [kind for kind in parameters.values() if isinstance(kind, dict)]  # others may stand beside
    kinds = by_type if traits.angles == "by type" else [parameters]
    limits = []
    for kind in filter(None, kinds):
        rope = kind.get("rope_type", "default")
        if rope in ANGLES_FIXED_UP_TO:
            name = ANGLES_FIXED_UP_TO[rope]
            limits.append(int(kind.get(name) or getattr(config, name)))
        elif rope not in FIXED_ANGLES:
            raise NotDescribed(_not_for("rope_type", rope))
    return min(limits, default=None)


def _not_for(setting: str, value: object) -> Message:
    return say("own-layers-not-for-setting", setting=setting, value=str(value))
