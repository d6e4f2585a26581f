"""The last check of a row: that the tokens to be learned decode to the words they were made from."""

from collections.abc import Sequence

from transformers import PreTrainedTokenizerBase

FAULT = "the tokenizer does not give an answer's words back from its tokens"


def decode_to(
    ids: Sequence[list[int]], words: Sequence[str], tokenizer: PreTrainedTokenizerBase
) -> list[bool]:
    """For each of `ids` whether they decode to its `words`.

    What a tokenizer changes in every text (it composes letters, say, or drops the first space) is no
    difference: then the words' own tokens decode to the same.
    """
    backend = tokenizer.backend_tokenizer
    decoded = backend.decode_batch(list(ids), skip_special_tokens=False)
    equal = [seen == wanted for seen, wanted in zip(decoded, words, strict=True)]
    for index, (seen, wanted) in enumerate(zip(decoded, words, strict=True)):
        if not equal[index]:
            again = backend.encode(wanted, add_special_tokens=False).ids
            equal[index] = seen.lstrip() == backend.decode(again, skip_special_tokens=False).lstrip()
    return equal
