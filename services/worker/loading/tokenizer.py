"""Loads a model's tokenizer so that it cuts text exactly as its tokenizer.json says."""

import json
from pathlib import Path
from typing import Any

from transformers import AutoTokenizer, PreTrainedTokenizerBase, PreTrainedTokenizerFast

from services.worker.failures import FailureCode, JobFailed
from services.worker.loading.exaone import CHAT_TEMPLATE, is_exaone
from services.worker.loading.model_folder import read_json


def load_tokenizer(folder: Path, config: dict[str, Any]) -> PreTrainedTokenizerBase:
    """The tokenizer of the model in `folder`; `config` is its config.json.

    transformers 5 may rebuild a tokenizer from its class's defaults and lose normalizer and pre-tokenizer
    (for EXAONE: NFKC and single digits), so both are compared with tokenizer.json, which wins. A missing pad
    token becomes the end of sequence. Raises JobFailed(MODEL_UNREADABLE, MODEL_UNSUPPORTED).
    """
    tokenizer = _load(folder, config)
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    if tokenizer.chat_template is None and is_exaone(config):
        tokenizer.chat_template = CHAT_TEMPLATE
    return tokenizer


def _load(folder: Path, config: dict[str, Any]) -> PreTrainedTokenizerBase:
    file = folder / "tokenizer.json"
    written = read_json(file) if file.is_file() else None
    try:
        # An EXAONE folder names remote code, about which AutoTokenizer would ask.
        tokenizer = None if is_exaone(config) else _auto(folder, has_file=written is not None)
        if written is not None and (tokenizer is None or _cuts_otherwise(tokenizer, written)):
            tokenizer = PreTrainedTokenizerFast.from_pretrained(folder, local_files_only=True)
    except Exception as error:
        raise JobFailed(
            FailureCode.MODEL_UNREADABLE,
            f"the tokenizer in {folder.name!r} can't be loaded: {_first_line(error)}",
            "a model needs tokenizer.json and tokenizer_config.json in its folder; fetch them again",
        ) from error
    if tokenizer is None:
        raise JobFailed(
            FailureCode.MODEL_UNSUPPORTED,
            f"model folder {folder.name!r} has no tokenizer that loads without code of its own",
            "add the model's tokenizer.json to the folder",
        )
    if written is not None and _cuts_otherwise(tokenizer, written):
        raise JobFailed(
            FailureCode.MODEL_UNSUPPORTED,
            f"the tokenizer of {folder.name!r} can't be loaded as its tokenizer.json describes it",
            "name another base model; please report this one",
        )
    return tokenizer


def _auto(folder: Path, *, has_file: bool) -> PreTrainedTokenizerBase | None:
    try:
        return AutoTokenizer.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
    except Exception:
        if has_file:  # its class may be unknown or need remote code; tokenizer.json has all that counts
            return None
        raise


def _cuts_otherwise(tokenizer: PreTrainedTokenizerBase, written: dict[str, Any]) -> bool:
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        return True
    loaded = json.loads(backend.to_str())
    return any(loaded.get(part) != written.get(part) for part in ("normalizer", "pre_tokenizer"))


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
