"""Loads a model's tokenizer so that it cuts text exactly as its tokenizer.json says."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer
from transformers import AutoTokenizer, PreTrainedTokenizerBase, PreTrainedTokenizerFast

from services.worker.failures import FailureCode, JobFailed, is_panic
from services.worker.models.families.renamed import family_of
from services.worker.models.families.usable_template import choose_default
from services.worker.models.files.model_folder import stands_in
from shared.look_alikes import stand_in_file
from shared.messages.message import say

TOKENIZER_FILES = ("tokenizer.json", "tokenizer.model", "tokenizer_config.json", "vocab.json", "merges.txt")
_VOCABULARIES = ("tokenizer.json", "tokenizer.model", "vocab.json", "vocab.txt", "spiece.model")
MOST_ADDED_TOKENS = 100_000  # transformers compares each with all: these take half a minute


def load_tokenizer(folder: Path, config: dict[str, Any]) -> PreTrainedTokenizerBase:
    """The tokenizer of the model in `folder`; `config` is its config.json.

    transformers 5 may rebuild a tokenizer from its class's defaults and lose normalizer and pre-tokenizer
    (for EXAONE: NFKC and single digits), so both are compared with tokenizer.json, which wins. A missing pad
    token becomes the end of sequence, a missing end of sequence the one of config.json. Raises
    JobFailed(MODEL_UNREADABLE, MODEL_UNSUPPORTED).
    """
    tokenizer = _load(folder, config)
    if tokenizer.eos_token is None:
        tokenizer.eos_token = _end_token(tokenizer, config)
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    choose_default(tokenizer)
    if tokenizer.chat_template is None and (family := family_of(config)):
        tokenizer.chat_template = family.chat_template
    return tokenizer


def _end_token(tokenizer: PreTrainedTokenizerBase, config: dict[str, Any]) -> str | None:
    """The end of sequence that config.json names, where the tokenizer's own files name none."""
    text_config = config.get("text_config")
    named = config.get("eos_token_id") or (isinstance(text_config, dict) and text_config.get("eos_token_id"))
    first = named[0] if isinstance(named, list) and named else named
    if type(first) is not int or not 0 <= first < len(tokenizer):
        return None
    return str(tokenizer.convert_ids_to_tokens(first))


def _load(folder: Path, config: dict[str, Any]) -> PreTrainedTokenizerBase:
    _refuse_stand_ins(folder)
    _require_tokenizer(folder)
    with _unreadable_explained(folder):
        written = _written(folder / "tokenizer.json")
        # A folder of such a family names remote code, about which AutoTokenizer would ask.
        tokenizer = None if family_of(config) else _auto(folder, has_file=written is not None)
        if written is not None and (tokenizer is None or _cuts_otherwise(tokenizer, written)):
            tokenizer = PreTrainedTokenizerFast.from_pretrained(folder, local_files_only=True)
        if tokenizer is not None and (written is None or not _cuts_otherwise(tokenizer, written)):
            return tokenizer
    if tokenizer is None:
        raise JobFailed(
            FailureCode.MODEL_UNSUPPORTED,
            say("tokenizer-needs-code", folder=folder.name),
            say("add-tokenizer-json"),
        )
    raise JobFailed(
        FailureCode.MODEL_UNSUPPORTED,
        say("tokenizer-loads-otherwise", folder=folder.name),
        say("name-another-model-and-report"),
    )


def _require_tokenizer(folder: Path) -> None:
    if not any(path.name in _VOCABULARIES for path in folder.iterdir()):
        raise JobFailed(
            FailureCode.MODEL_UNREADABLE,
            say("tokenizer-missing", folder=folder.name, files=_VOCABULARIES),
            say("copy-tokenizer"),
        )


def _refuse_stand_ins(folder: Path) -> None:
    template = folder / "chat_template.jinja"
    written = (template.name,) if template.is_file() and template.stat().st_size else ()  # empty is none
    for name in (*TOKENIZER_FILES, *written):
        if instead := stand_in_file(folder / name):
            raise stands_in(folder / name, instead)


@contextmanager
def _unreadable_explained(folder: Path) -> Iterator[None]:
    """Whatever a tokenizer's file makes the libraries raise; theirs in Rust panic beside all exceptions."""
    try:
        yield
    except JobFailed:
        raise
    except BaseException as error:
        if not isinstance(error, Exception) and not is_panic(error):
            raise
        raise JobFailed(
            FailureCode.MODEL_UNREADABLE,
            say("tokenizer-not-read", folder=folder.name, error=_first_line(error)),
            say("fetch-tokenizer"),
        ) from error


def _written(file: Path) -> Tokenizer | None:
    """What tokenizer.json describes, read by the library it is written for, not as Python objects."""
    tokenizer = Tokenizer.from_file(str(file)) if file.is_file() else None
    if tokenizer and (added := len(tokenizer.get_added_tokens_decoder())) > MOST_ADDED_TOKENS:
        raise JobFailed(
            FailureCode.MODEL_UNREADABLE,
            say(
                "tokenizer-adds-too-many",
                folder=file.parent.name,
                tokens=added,
                most=MOST_ADDED_TOKENS,
            ),
            say("fetch-tokenizer"),
        )
    return tokenizer


def _auto(folder: Path, *, has_file: bool) -> PreTrainedTokenizerBase | None:
    try:
        return AutoTokenizer.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
    except Exception:
        if has_file:  # its class may be unknown or need remote code; tokenizer.json has all that counts
            return None
        raise


def _cuts_otherwise(tokenizer: PreTrainedTokenizerBase, written: Tokenizer) -> bool:
    backend = getattr(tokenizer, "backend_tokenizer", None)
    return backend is None or _rules(backend) != _rules(written)


def _rules(tokenizer: Tokenizer) -> tuple[bytes | None, ...]:
    """Normalizer and pre-tokenizer as their library writes them."""
    parts = (tokenizer.normalizer, tokenizer.pre_tokenizer)
    return tuple(None if part is None else part.__getstate__() for part in parts)


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
