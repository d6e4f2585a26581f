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
from shared.messages.message import Message, say

CHOOSE = say("choose-supported-model")
_TWO_TEXTS = {*MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES, *MODEL_FOR_SPEECH_SEQ_2_SEQ_MAPPING_NAMES}
# Ends of the names of classes with another head in place of the language head, and how messages tell them.
_OTHER_HEADS = {
    "ForSequenceClassification": "classifier",
    "ForTokenClassification": "token-classifier",
    "ForQuestionAnswering": "answer-marker",
    "ForMultipleChoice": "chooser",
    "ForImageClassification": "image-classifier",
    "ForAudioClassification": "sound-classifier",
    "RewardModel": "reward-model",
    "ForRewardModel": "reward-model",
    "ForTextEncoding": "embedding-model",
    "ForRetrieval": "embedding-model",
}


def unsupported(config: Mapping[str, Any]) -> JobFailed:
    """Why the model of a config.json can't be trained: JobFailed(MODEL_UNSUPPORTED)."""
    kind, saved_as = config.get("model_type"), class_name(config)
    if kind is None and "_class_name" in config:
        return _failed(say("part-of-image-generator", part=_short(config["_class_name"])))
    if (head := other_head(config)) is not None:
        return _of_other_head(config, head)
    if not isinstance(kind, str) or kind not in CONFIG_MAPPING:
        return _unknown(config)
    if config.get("is_encoder_decoder") or kind in _TWO_TEXTS:
        return encoder_decoder(config)
    if saved_as and kind in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES and saved_as.endswith("Model"):
        origin = _origin(config)
        advice = say("name-known-origin", origin=origin) if origin else say("name-origin")
        return _failed(say("language-head-not-saved", model=_named(config)), advice)
    if kind in MODEL_FOR_MASKED_LM_MAPPING_NAMES:
        return encoder(config)
    return _failed(say("not-a-language-model", model=_named(config)))


def encoder_decoder(config: Mapping[str, Any]) -> JobFailed:
    """Of a model that reads with an encoder and writes with a decoder."""
    return _failed(say("is-encoder-decoder", model=_named(config)))


def encoder(config: Mapping[str, Any]) -> JobFailed:
    """Of a model that sees each word's whole surroundings."""
    return _failed(say("is-encoder", model=_named(config)))


def other_head(config: Mapping[str, Any]) -> str | None:
    """What a checkpoint is whose language head was replaced, by the name of its class."""
    saved_as = class_name(config) or ""
    return next((what for end, what in _OTHER_HEADS.items() if saved_as.endswith(end)), None)


def _of_other_head(config: Mapping[str, Any], head: str) -> JobFailed:
    origin = _origin(config)
    return _failed(
        say("has-other-head", model=_named(config), head=head, labels=_number_of_labels(config)),
        say("name-known-origin-for-classes", origin=origin) if origin else say("name-origin-for-classes"),
    )


def _unknown(config: Mapping[str, Any]) -> JobFailed:
    return _failed(
        say(
            "unknown-model-with-code" if config.get("auto_map") else "unknown-model",
            model=_named(config),
            version=transformers.__version__,
        )
    )


def _failed(message: Message, advice: Message = CHOOSE) -> JobFailed:
    return JobFailed(FailureCode.MODEL_UNSUPPORTED, message, advice)


def class_name(config: Mapping[str, Any]) -> str | None:
    """The class that a checkpoint was saved from."""
    saved_as = config.get("architectures")
    first = saved_as[0] if isinstance(saved_as, list) and saved_as else None
    return first if isinstance(first, str) else None


def _named(config: Mapping[str, Any]) -> str:
    saved_as = class_name(config)
    kind = f"model_type {_short(config.get('model_type'))}"
    return f"{_short(saved_as)[1:-1]} ({kind})" if saved_as else kind


def _number_of_labels(config: Mapping[str, Any]) -> int:
    """0 where it is not known."""
    labels = config.get("num_labels") or len(config.get("id2label") or ())
    return labels if isinstance(labels, int) and 0 < labels < 10**6 else 0


def _origin(config: Mapping[str, Any]) -> str | None:
    origin = config.get("_name_or_path")
    return _short(origin) if isinstance(origin, str) and origin else None


def _short(value: object) -> str:
    return repr(value)[:100]
