"""What a checkpoint is if it is no language model that can be trained, in words for who chooses another."""

from collections.abc import Mapping
from typing import Any

import transformers
from transformers.models.auto.configuration_auto import CONFIG_MAPPING
from transformers.models.auto.modeling_auto import (
    MODEL_FOR_CAUSAL_LM_MAPPING_NAMES,
    MODEL_FOR_MASKED_LM_MAPPING_NAMES,
    MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES,
    MODEL_FOR_SPEECH_SEQ_2_SEQ_MAPPING_NAMES,
)

from services.worker.failures import FailureCode, JobFailed

CHOOSE = "name a base model with a native class (llama, qwen2, gemma, exaone4, …) or EXAONE-3.5"
_TWO_TEXTS = {*MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES, *MODEL_FOR_SPEECH_SEQ_2_SEQ_MAPPING_NAMES}
# Ends of the names of classes with another head in place of the language head.
_OTHER_HEADS = {
    "ForSequenceClassification": "a classifier",
    "ForTokenClassification": "a classifier of tokens",
    "ForQuestionAnswering": "a model that marks answers in a text",
    "ForMultipleChoice": "a model that chooses among answers",
    "ForImageClassification": "a classifier of images",
    "ForAudioClassification": "a classifier of sounds",
    "RewardModel": "a reward model",
    "ForRewardModel": "a reward model",
    "ForTextEncoding": "an embedding model",
    "ForRetrieval": "an embedding model",
}


def unsupported(config: Mapping[str, Any]) -> JobFailed:
    """Why the model of a config.json can't be trained: JobFailed(MODEL_UNSUPPORTED)."""
    what, remedy = _described(config)
    return JobFailed(FailureCode.MODEL_UNSUPPORTED, f"config.json describes {what}", remedy)


def encoder_decoder(config: Mapping[str, Any]) -> JobFailed:
    """Of a model that reads with an encoder and writes with a decoder."""
    return JobFailed(
        FailureCode.MODEL_UNSUPPORTED,
        f"config.json describes {_named(config)}, an encoder-decoder model: what it reads and what it writes "
        "are two texts, and Tunedock trains models that go on with one",
        CHOOSE,
    )


def encoder(config: Mapping[str, Any]) -> JobFailed:
    """Of a model that sees each word's whole surroundings."""
    return JobFailed(
        FailureCode.MODEL_UNSUPPORTED,
        f"config.json describes {_named(config)}, an encoder (embeddings, masked words): it sees the words "
        "that follow, so it can't learn to write them",
        CHOOSE,
    )


def _described(config: Mapping[str, Any]) -> tuple[str, str]:
    kind, saved_as = config.get("model_type"), class_name(config)
    if kind is None and "_class_name" in config:
        return f"{_short(config['_class_name'])}, part of an image generator (diffusers)", CHOOSE
    if (head := other_head(config)) is not None:
        return (
            f"{_named(config)}: {head}, whose language head was replaced{_number_of_labels(config)}",
            f"name the base model it was made from{_origin(config)}; to sort texts into classes, give that "
            "base rows of text and label",
        )
    if not isinstance(kind, str) or kind not in CONFIG_MAPPING:
        return _unknown(config)
    if config.get("is_encoder_decoder") or kind in _TWO_TEXTS:
        return _without_subject(encoder_decoder(config)), CHOOSE
    if saved_as and kind in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES and saved_as.endswith("Model"):
        what = f"{_named(config)}, saved without its language head (an embedding model)"
        return what, f"name the base model it was made from{_origin(config)}"
    if kind in MODEL_FOR_MASKED_LM_MAPPING_NAMES:
        return _without_subject(encoder(config)), CHOOSE
    return f"{_named(config)}, which transformers does not load as a language model", CHOOSE


def other_head(config: Mapping[str, Any]) -> str | None:
    """What a checkpoint is whose language head was replaced, by the name of its class."""
    saved_as = class_name(config) or ""
    return next((what for end, what in _OTHER_HEADS.items() if saved_as.endswith(end)), None)


def _without_subject(failed: JobFailed) -> str:
    return failed.failure.message.removeprefix("config.json describes ")


def _unknown(config: Mapping[str, Any]) -> tuple[str, str]:
    own_code = " and brings its own code, which Tunedock does not run" if config.get("auto_map") else ""
    return (
        f"{_named(config)}: transformers {transformers.__version__} knows no such language model{own_code}",
        CHOOSE,
    )


def class_name(config: Mapping[str, Any]) -> str | None:
    """The class that a checkpoint was saved from."""
    saved_as = config.get("architectures")
    first = saved_as[0] if isinstance(saved_as, list) and saved_as else None
    return first if isinstance(first, str) else None


def _named(config: Mapping[str, Any]) -> str:
    saved_as = class_name(config)
    kind = f"model_type {_short(config.get('model_type'))}"
    return f"{_short(saved_as)[1:-1]} ({kind})" if saved_as else kind


def _number_of_labels(config: Mapping[str, Any]) -> str:
    labels = config.get("num_labels") or len(config.get("id2label") or ())
    return f" by one of {labels} labels" if isinstance(labels, int) and 0 < labels < 10**6 else ""


def _origin(config: Mapping[str, Any]) -> str:
    origin = config.get("_name_or_path")
    return f" (config.json names {_short(origin)})" if isinstance(origin, str) and origin else ""


def _short(value: object) -> str:
    return repr(value)[:100]
