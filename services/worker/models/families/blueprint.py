"""Which class of transformers runs a model: decided from its config.json alone, never by code beside it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from transformers import (
    AutoModelForCausalLM,
    AutoModelForImageTextToText,
    AutoModelForMultimodalLM,
    PreTrainedConfig,
    PreTrainedModel,
)
from transformers.models.auto.configuration_auto import CONFIG_MAPPING
from transformers.models.auto.modeling_auto import (
    MODEL_FOR_CAUSAL_LM_MAPPING_NAMES,
    MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES,
    MODEL_FOR_MASKED_LM_MAPPING_NAMES,
    MODEL_FOR_MULTIMODAL_LM_MAPPING_NAMES,
)

from services.worker.failures import FailureCode, JobFailed
from services.worker.models.families.family import Family
from services.worker.models.families.model_kinds import (
    class_name,
    encoder,
    encoder_decoder,
    other_head,
    unsupported,
)
from services.worker.models.families.old_forms import in_new_forms
from services.worker.models.families.renamed import family_of
from shared.messages.message import say

# Fields of a config.json that would choose code or files to load; those choices are ours.
_CHOICES = ("auto_map", "attn_implementation", "_attn_implementation", "experts_implementation",
            "_experts_implementation", "transformers_weights", "torch_dtype", "dtype")  # fmt: skip

_CLASSES: tuple[tuple[Any, Mapping[str, Any]], ...] = (
    (AutoModelForCausalLM, MODEL_FOR_CAUSAL_LM_MAPPING_NAMES),
    (AutoModelForImageTextToText, MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES),
    (AutoModelForMultimodalLM, MODEL_FOR_MULTIMODAL_LM_MAPPING_NAMES),
)
_LANGUAGE_HEADS = ("ForCausalLM", "LMHeadModel")


@dataclass(frozen=True)
class Blueprint:
    """What to build: transformers' class and its config; `family` where it runs under another one's names."""

    model_class: Any
    config: PreTrainedConfig
    family: Family | None

    @property
    def key_mapping(self) -> dict[str, str] | None:
        """How checkpoint names map onto the class; None: they match."""
        return None if self.family is None else self.family.key_mapping()

    @property
    def is_quantized(self) -> bool:
        """Whether the checkpoint itself holds 4-bit weights."""
        return getattr(self.config, "quantization_config", None) is not None

    def build(self, **options: Any) -> PreTrainedModel:
        """The model as its class makes it: random weights, or none in a context of the device "meta"."""
        build = getattr(self.model_class, "from_config", None) or self.model_class._from_config
        model: PreTrainedModel = build(self.config, **options)
        return model


def choose_blueprint(config: dict[str, Any]) -> Blueprint:
    """Choose class and config for a config.json. Raises JobFailed(MODEL_UNSUPPORTED, MODEL_UNREADABLE)."""
    model_type = config.get("model_type")
    if other_head(config) is not None:
        raise unsupported(config)
    if family := family_of(config):
        with _invalid_explained(model_type):
            return Blueprint(family.model_class, family.as_run(config), family)
    auto_class = _auto_class(config)
    _check_quantization(config)
    with _invalid_explained(model_type):
        built = CONFIG_MAPPING[str(model_type)].from_dict(_without_choices(in_new_forms(config)))
        language = built.get_text_config()
    if built.is_encoder_decoder:
        raise encoder_decoder(config)
    if model_type in MODEL_FOR_MASKED_LM_MAPPING_NAMES and not getattr(language, "is_decoder", False):
        raise encoder(config)
    for part in (built, language):
        part.use_cache = False
    return Blueprint(auto_class, built, None)


def _auto_class(config: dict[str, Any]) -> Any:
    """The class that looks up the checkpoint's own: of a text model, or of one that also sees or hears.

    A checkpoint is loaded as what it was saved from, so that its modules, and an adapter's, keep their names.
    """
    model_type = config.get("model_type")
    if not isinstance(model_type, str) or model_type not in CONFIG_MAPPING:
        raise unsupported(config)
    saved_as = class_name(config)
    for auto_class, names in _CLASSES:
        known = names.get(model_type)
        known_names = (known,) if isinstance(known, str) else tuple(known or ())
        causal = auto_class is AutoModelForCausalLM and str(saved_as).endswith(_LANGUAGE_HEADS)
        if known_names and (saved_as is None or saved_as in known_names or causal):
            return auto_class
    raise unsupported(config)


def _without_choices(config: dict[str, Any]) -> dict[str, Any]:
    """A config.json, the configurations of its parts included, without what would choose code or files."""
    return {
        field: _without_choices(value) if _is_config(field, value) else _with_floats(value)
        for field, value in config.items()
        if field not in _CHOICES
    }


def _is_config(field: str, value: object) -> bool:
    return field.endswith("_config") and isinstance(value, dict)


def _with_floats(value: Any) -> Any:
    """transformers 5 writes what JSON has no number for (Falcon-H1's infinity, say) as an object."""
    if isinstance(value, list):
        return [_with_floats(part) for part in value]
    if isinstance(value, dict):
        if value.keys() == {"__float__"} and value["__float__"] in ("Infinity", "-Infinity", "NaN"):
            return float(value["__float__"])
        return {name: _with_floats(part) for name, part in value.items()}
    return value


@contextmanager
def _invalid_explained(model_type: object) -> Iterator[None]:
    """Whatever wrong values make a configuration's class raise."""
    try:
        yield
    except JobFailed:
        raise
    except Exception as error:
        raise JobFailed(
            FailureCode.MODEL_UNREADABLE,
            say("config-not-valid", model_type=str(model_type), error=str(error)[:300]),
            say("fetch-config"),
        ) from error


def _check_quantization(config: dict[str, Any]) -> None:
    """Adapters are trained on full-precision or bitsandbytes nf4 checkpoints, on no others here."""
    parts = [part for field, part in config.items() if field.endswith("_config") and isinstance(part, dict)]
    settings = next((part["quantization_config"] for part in (config, *parts)
                     if part.get("quantization_config") is not None), None)  # fmt: skip
    if settings is None:
        return
    settings = settings if isinstance(settings, dict) else {"quant_method": settings}
    method = settings.get("quant_method")
    if method != "bitsandbytes" or settings.get("bnb_4bit_quant_type") != "nf4":
        raise JobFailed(
            FailureCode.MODEL_UNSUPPORTED,
            say("already-quantized", method=repr(str(method)[:100])),
            say("name-unquantized"),
        )
