"""The last check of a row: that the tokens to be learned decode to the words they were made from."""

from collections.abc import Sequence
from typing import Literal

from transformers import PreTrainedTokenizerBase

from services.worker.text.unknown_characters import unknown_token
from shared.messages.message import Message, say

# `changed`: the tokenizer writes these words otherwise in every text; it composes letters, say.
Verdict = Literal["same", "changed", "unknown", "lost"]
FAULTS: dict[Verdict, Message] = {
    "unknown": say("token-for-character-missing"),
    "lost": say("answer-lost-in-tokens"),
}


def decoded_verdicts(
    ids: Sequence[list[int]], words: Sequence[str], tokenizer: PreTrainedTokenizerBase
) -> list[Verdict]:
    """How each of `ids` decodes compared with its `words`; a space before the words is no difference."""
    unknown = unknown_token(tokenizer)
    decoded = tokenizer.backend_tokenizer.decode_batch(list(ids), skip_special_tokens=False)
    return [
        "unknown" if unknown in some else _verdict(some, seen, wanted, tokenizer)
        for some, seen, wanted in zip(ids, decoded, words, strict=True)
    ]


def _verdict(ids: list[int], seen: str, wanted: str, tokenizer: PreTrainedTokenizerBase) -> Verdict:
    if seen == wanted or seen.lstrip() == wanted.lstrip():
        return "same"
    backend = tokenizer.backend_tokenizer
    if not backend.decode(ids, skip_special_tokens=True).strip():
        return "lost"  # nothing is left but the end token
    again = backend.decode(backend.encode(wanted, add_special_tokens=False).ids, skip_special_tokens=False)
    return "changed" if seen.lstrip() == again.lstrip() else "lost"
