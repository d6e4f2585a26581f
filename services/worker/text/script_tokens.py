"""How many tokens a tokenizer takes for the letters of each script, beside what is usual."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from transformers import PreTrainedTokenizerBase

from shared.datasets.examination.scripts import Script, script_of, scripts_in
from shared.reports.data_tokens import ScriptTokens

MOST_CHARACTERS = 200_000
LONGEST_TEXT = 4000
_AT_ONCE = 64
# Tokens a letter (of Korean a syllable), about, of o200k_base and of Llama 3's tokenizer, which know all of
# these, measured on the samples of datasets/ and on a few sentences of each. GPT-2's, which knows English
# alone, takes 2.85 a Korean syllable.
USUAL: dict[Script, float] = {
    "latin": 0.24,
    "hangul": 0.8,
    "han": 0.73,
    "kana": 0.73,
    "cyrillic": 0.31,
    "greek": 0.43,
    "arabic": 0.44,
    "hebrew": 0.44,
    "devanagari": 0.4,
    "thai": 0.47,
}


@dataclass(frozen=True)
class TextTokens:
    """Of the texts that were looked at; the script with the most letters first."""

    characters: int
    tokens: int
    scripts: tuple[ScriptTokens, ...]


def text_tokens(texts: Iterable[str], tokenizer: PreTrainedTokenizerBase) -> TextTokens:
    """Cut the first of `texts`, as they stand, into tokens, and count each for the script of its letters.

    A token counts for the script of the first letter among the characters that it is a part of, so each of
    the three bytes of a syllable that has no token counts.
    """
    letters, tokens = Counter[Script](), Counter[Script]()
    characters = all_tokens = 0
    for portion in _portions(texts):
        encoded = tokenizer(
            list(portion), add_special_tokens=False, return_offsets_mapping=True, verbose=False
        )
        for text, places in zip(portion, encoded["offset_mapping"], strict=True):
            characters += len(text)
            all_tokens += len(places)
            letters.update(scripts_in(text))
            tokens.update(_scripts_of(text, places))
    scripts = [_of_script(script, count, tokens[script]) for script, count in letters.most_common()]
    return TextTokens(characters, all_tokens, tuple(scripts))


def texts_of(row: dict[str, Any]) -> Iterator[str]:
    """The texts of a normalised row of any format, without its label."""
    for message in row.get("messages", ()):
        yield message["content"]
    yield from (row[name] for name in ("text", "prompt", "completion") if name in row)


def _portions(texts: Iterable[str]) -> Iterator[list[str]]:
    portion, left = list[str](), MOST_CHARACTERS
    for text in texts:
        portion.append(text[:LONGEST_TEXT])
        left -= len(portion[-1])
        if len(portion) == _AT_ONCE:
            yield portion
            portion = []
        if left <= 0:
            break
    if portion:
        yield portion


def _scripts_of(text: str, places: Sequence[tuple[int, int]]) -> Iterator[Script]:
    for start, end in places:
        scripts = (script for sign in text[start:end] if (script := script_of(sign)))
        if (first := next(scripts, None)) is not None:
            yield first


def _of_script(script: Script, letters: int, tokens: int) -> ScriptTokens:
    return ScriptTokens(
        script=script,
        letters=letters,
        tokens=tokens,
        tokens_per_letter=tokens / letters,
        usual_tokens_per_letter=USUAL.get(script),
    )
