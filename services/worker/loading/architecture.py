"""Which class of transformers runs a model: decided from its config.json alone, never by code beside it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

from transformers import AutoModelForCausalLM, LlamaForCausalLM, PreTrainedConfig
from transformers.models.auto.configuration_auto import CONFIG_MAPPING
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

from services.worker.failures import FailureCode, JobFailed
from services.worker.loading import exaone

Architecture = Literal["exaone", "native"]

# Fields of a config.json that would choose code or files to load; those choices are ours.
_CHOICES = ("auto_map", "attn_implementation", "_attn_implementation", "experts_implementation",
            "_experts_implementation", "transformers_weights", "torch_dtype", "dtype")  # fmt: skip


@dataclass(frozen=True)
class ModelPlan:
    """What to build: transformers' class, its config, how checkpoint names map onto it (None: they match)."""

    architecture: Architecture
    model_class: Any
    config: PreTrainedConfig
    key_mapping: dict[str, str] | None

    @property
    def is_quantized(self) -> bool:
        """Whether the checkpoint itself holds 4-bit weights."""
        return getattr(self.config, "quantization_config", None) is not None


def plan_model(config: dict[str, Any]) -> ModelPlan:
    """Choose class and config for a config.json. Raises JobFailed(MODEL_UNSUPPORTED, MODEL_UNREADABLE)."""
    model_type = config.get("model_type")
    if exaone.is_exaone(config):
        with _invalid_explained(model_type):
            built = exaone.llama_config(config)
        return ModelPlan("exaone", LlamaForCausalLM, built, exaone.key_mapping())
    if not isinstance(model_type, str) or model_type not in CONFIG_MAPPING or not _is_causal(config):
        raise _unsupported(config)
    _check_quantization(config)
    clean = {field: value for field, value in config.items() if field not in _CHOICES}
    with _invalid_explained(model_type):
        built = CONFIG_MAPPING[model_type].from_dict(clean)
    built.use_cache = False
    return ModelPlan("native", AutoModelForCausalLM, built, None)


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
            f"config.json is no valid {model_type} configuration: {str(error)[:300]}",
            "fetch the model's config.json again",
        ) from error


def _is_causal(config: dict[str, Any]) -> bool:
    """Whether the checkpoint was saved as a causal language model; BERT, say, also has a class for one."""
    known = MODEL_FOR_CAUSAL_LM_MAPPING_NAMES.get(str(config.get("model_type")))
    saved_as = config.get("architectures")
    if known is None or not isinstance(saved_as, list) or not saved_as:
        return known is not None
    names = (known,) if isinstance(known, str) else tuple(known)
    return any(name in names or str(name).endswith(("ForCausalLM", "LMHeadModel")) for name in saved_as)


def _unsupported(config: dict[str, Any]) -> JobFailed:
    own_code = " and brings its own code, which Tunedock does not run" if config.get("auto_map") else ""
    return JobFailed(
        FailureCode.MODEL_UNSUPPORTED,
        f"model_type {_named(config)} is no language model known to transformers{own_code}",
        "name a base model with a native class (llama, qwen2, gemma, exaone4, …) or EXAONE-3.5",
    )


def _named(config: dict[str, Any]) -> str:
    return repr(config.get("model_type"))[:100]


def _check_quantization(config: dict[str, Any]) -> None:
    """Adapters are trained on full-precision or bitsandbytes nf4 checkpoints, on no others here."""
    settings = config.get("quantization_config")
    if settings is None:
        return
    settings = settings if isinstance(settings, dict) else {"quant_method": settings}
    method = settings.get("quant_method")
    if method != "bitsandbytes" or settings.get("bnb_4bit_quant_type") != "nf4":
        raise JobFailed(
            FailureCode.MODEL_UNSUPPORTED,
            f"the checkpoint is already quantized with {str(method)[:100]!r}",
            "name the unquantized model; Tunedock quantizes it to nf4 while loading",
        )
