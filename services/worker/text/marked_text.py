"""A row as text with the stretches that the model is to learn."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from transformers import PreTrainedTokenizerBase

from services.worker.text.decoded_answers import FAULTS, Verdict, decoded_verdicts
from services.worker.text.unknown_characters import unknown_characters, unknown_token
from shared.messages.message import Message


class Span(NamedTuple):
    """A half-open range: characters of a text, or tokens of a row."""

    start: int
    end: int


@dataclass(frozen=True)
class MarkedText:
    """`spans` of `text` are learned; `answers` are the stretches that an assistant said, with their ends.

    `complete` adds BOS (if the model has one) and EOS, unless the text has them already. A chat template
    writes its own special tokens, so chat rows are not completed; `stop` appends EOS where it wrote none.
    """

    text: str
    spans: tuple[Span, ...]
    complete: bool = False
    answers: tuple[Span, ...] = ()
    stop: bool = False


@dataclass(frozen=True)
class TokenRow:
    """`ids` int32 [tokens]; `targets` bool [tokens], true where a token is to be predicted from those before
    it. `place` is that among its step's rows, by which dropout is drawn.
    """

    ids: npt.NDArray[np.int32]
    targets: npt.NDArray[np.bool_]
    place: int = 0

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def needed(self) -> int:
        """How many tokens, from the first on, a causal model must compute: those before the last target.

        At least one, so that no row is nothing.
        """
        targets = np.flatnonzero(self.targets)
        return max(1, int(targets[-1])) if len(targets) else 1

    def cut(self, tokens: int) -> "TokenRow":
        return TokenRow(self.ids[:tokens], self.targets[:tokens])

    def split(self, tokens: int) -> "list[TokenRow]":
        """Rows of at most `tokens` tokens, each beginning with the last one of the row before.

        Nothing stands before a row's first token to predict it from, so every token is learned once.
        """
        rows = []
        for start in range(0, max(1, len(self) - 1), tokens - 1):
            targets = self.targets[start : start + tokens].copy()
            targets[:1] = False
            rows.append(TokenRow(self.ids[start : start + tokens], targets))
        return rows


@dataclass(frozen=True)
class EncodedText:
    """`answers` are token ranges of `row`, one for each of the text's, and `words` what they must decode to.

    `unknown`: characters outside the answers that the tokenizer has no token for; they are not learned.
    `fault`: why the row can't be learned; `changed`: the tokenizer writes an answer's characters otherwise.
    """

    row: TokenRow
    answers: tuple[Span, ...] = ()
    words: tuple[str, ...] = ()
    fault: Message | None = None
    changed: bool = False
    unknown: int = 0

    def cut(self, tokens: int) -> "EncodedText":
        return replace(self, row=self.row.cut(tokens))


def tokenize(marked: Sequence[MarkedText], tokenizer: PreTrainedTokenizerBase) -> list[TokenRow]:
    """Token rows of `marked`, which agree on `complete`; nothing is cut."""
    return [encoded.row for encoded in encode_texts(marked, tokenizer)]


def encode_texts(marked: Sequence[MarkedText], tokenizer: PreTrainedTokenizerBase) -> list[EncodedText]:
    """`marked`, which agree on `complete`, as tokens; nothing is cut.

    A token is a target if it reaches into a span: one that straddles the border between prompt and
    completion counts, so the whole completion is learned. Every answer's tokens are decoded again and
    compared with its text; a row whose words they lose has a `fault`.
    """
    if not marked:
        return []
    complete = marked[0].complete
    encoded = tokenizer(
        [row.text for row in marked],
        add_special_tokens=complete,
        return_offsets_mapping=True,
        return_attention_mask=False,
        verbose=False,
    )
    pairs = zip(marked, encoded["input_ids"], encoded["offset_mapping"], strict=True)
    return _checked([_encoded(row, ids, offsets, tokenizer) for row, ids, offsets in pairs], tokenizer)


def _encoded(
    marked: MarkedText,
    ids: list[int],
    offsets: list[tuple[int, int]],
    tokenizer: PreTrainedTokenizerBase,
) -> EncodedText:
    bos, eos = tokenizer.bos_token_id, tokenizer.eos_token_id
    places = np.asarray(offsets, dtype=np.int64).reshape(-1, 2)
    tokens = np.asarray(ids, dtype=np.int32)
    if marked.complete and bos is not None and list(tokens[:2]) == [bos, bos] and not places[0].any():
        tokens, places = tokens[1:], places[1:]  # the text begins with its own
    _take_back_white_space(marked, tokens, places, tokenizer)
    targets = _reaching_into(marked.spans, places, len(marked.text))
    known = tokens != unknown_token(tokenizer)  # all of them where there is none
    unknown = unknown_characters(marked.text, places, known)
    in_answers = np.zeros_like(unknown)
    for start, end in marked.answers:
        in_answers[start:end] = True
    targets &= known
    nothing_known = bool(unknown.any()) and not targets[1:].any()
    answers = [_tokens_of(span, places) for span in marked.answers]
    words = [_words_of(marked.text, span, places[first:end]) for span, (first, end) in
             zip(marked.answers, answers, strict=True)]  # fmt: skip
    if eos is not None and (marked.stop or marked.complete):
        # The tokenizer may have put its own there, which stands for no text.
        if len(tokens) and tokens[-1] == eos and places[-1, 0] == places[-1, 1]:
            tokens, targets = tokens[:-1], targets[:-1]
        if marked.stop or not _ends_itself(marked.text, tokenizer):
            tokens = np.append(tokens, np.int32(eos))
            targets = np.append(targets, True)
            if answers:
                answers[-1] = Span(answers[-1].start, len(tokens))
                words[-1] += str(tokenizer.eos_token)
    targets[:1] = False  # nothing stands before the first token to predict it from
    return EncodedText(
        TokenRow(tokens, targets),
        tuple(answers),
        tuple(words),
        FAULTS["unknown"] if nothing_known else None,
        changed=bool((unknown & in_answers).any()),
        unknown=int((unknown & ~in_answers).sum()),
    )


def _words_of(text: str, span: Span, places: npt.NDArray[np.int64]) -> str:
    """The words of `span`, and what else its first and last token stand for."""
    if not len(places):
        return text[span.start : span.end]
    return text[min(span.start, places[0, 0]) : max(span.end, places[-1, 1])]


def _checked(rows: list[EncodedText], tokenizer: PreTrainedTokenizerBase) -> list[EncodedText]:
    """`rows`, told of each how its answers' tokens decode."""
    ids = [row.row.ids[start:end].tolist() for row in rows for start, end in row.answers]
    words = [text for row in rows for text in row.words]
    verdicts = iter(decoded_verdicts(ids, words, tokenizer))
    return [_judged(row, {next(verdicts) for _ in row.answers}) for row in rows]


def _judged(row: EncodedText, verdicts: set[Verdict]) -> EncodedText:
    """`row` with its fault; words that come back changed and lack characters have lost them."""
    changed = "changed" in verdicts
    if changed and row.changed:
        verdicts = {*verdicts, "unknown"}
    fault = next((FAULTS[verdict] for verdict in FAULTS if verdict in verdicts), None)
    return replace(row, fault=row.fault or fault, changed=changed)


def _ends_itself(text: str, tokenizer: PreTrainedTokenizerBase) -> bool:
    """Whether the text of a row ends with a special token of its own."""
    ending = text[-64:].rstrip()
    return ending.endswith(tuple(token for token in tokenizer.all_special_tokens if token.strip()))


def _take_back_white_space(
    marked: MarkedText,
    ids: npt.NDArray[np.int32],
    places: npt.NDArray[np.int64],
    tokenizer: PreTrainedTokenizerBase,
) -> None:
    """Where a token takes the white space beside it along, as Phi's do, set its place to its own characters.

    Such a token before an answer that begins with a space would reach into the answer.
    """
    borders = np.unique([border for span in (*marked.spans, *marked.answers) for border in span])
    with_text = np.flatnonzero(places[:, 0] < places[:, 1])
    before = np.searchsorted(places[with_text, 0], borders) - 1
    for token in with_text[before[before >= 0]]:
        start, end = places[token]
        written = marked.text[start:end]
        own = tokenizer.backend_tokenizer.id_to_token(int(ids[token]))
        if own != written and own == written.strip():
            first = start + written.index(own)
            places[token] = first, first + len(own)


def _reaching_into(
    spans: Sequence[Span], places: npt.NDArray[np.int64], characters: int
) -> npt.NDArray[np.bool_]:
    """Which of the tokens at `places` (int64 [tokens, 2]) reach into a span, in one pass over the text."""
    change = np.zeros(characters + 1, dtype=np.int64)
    for start, end in spans:
        change[start] += 1
        change[end] -= 1
    inside = np.cumsum(change)[:-1] > 0
    before = np.concatenate(([0], np.cumsum(inside)))
    starts, ends = places.T
    reaching = before[ends] > before[starts]
    empty = np.flatnonzero((starts == ends) & (starts > 0) & (starts < characters))
    reaching[empty] = inside[starts[empty] - 1] & inside[starts[empty]]  # a token that stands for no text
    return np.asarray(reaching, dtype=np.bool_)


def _tokens_of(span: Span, places: npt.NDArray[np.int64]) -> Span:
    """The tokens that reach into `span`: they stand in the order of the text. Empty where none does."""
    reaching = np.flatnonzero((places[:, 0] < span.end) & (places[:, 1] > span.start))
    if not len(reaching):
        before = int((places[:, 1] <= span.start).sum())
        return Span(before, before)
    return Span(int(reaching[0]), int(reaching[-1]) + 1)
