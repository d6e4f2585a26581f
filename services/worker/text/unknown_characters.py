"""Characters for which a tokenizer has no token: it writes its unknown token for them, or leaves them out."""

import unicodedata

import numpy as np
import numpy.typing as npt
from transformers import PreTrainedTokenizerBase


def unknown_token(tokenizer: PreTrainedTokenizerBase) -> int | None:
    """Its id, unless the token has another meaning, too (GPT-2 ends texts with it)."""
    others = (tokenizer.bos_token_id, tokenizer.eos_token_id, tokenizer.pad_token_id)
    unknown = tokenizer.unk_token_id
    if unknown is None and (name := getattr(tokenizer.backend_tokenizer.model, "unk_token", None)):
        unknown = tokenizer.backend_tokenizer.token_to_id(name)
    return None if unknown in others else unknown


def unknown_characters(
    text: str, places: npt.NDArray[np.int64], known: npt.NDArray[np.bool_]
) -> npt.NDArray[np.bool_]:
    """Which characters of `text` no `known` (bool [tokens]) token stands for; `places` is int64 [tokens, 2].

    White space, signs that show nothing and accents are no loss: a tokenizer may write them in another way.
    """
    change = np.zeros(len(text) + 1, dtype=np.int64)
    np.add.at(change, places[known, 0], 1)
    np.add.at(change, places[known, 1], -1)
    missing = np.cumsum(change[:-1]) <= 0
    for place in np.flatnonzero(missing):
        missing[place] = unicodedata.category(text[place])[0] in "LNPS"
    return np.asarray(missing, dtype=np.bool_)
