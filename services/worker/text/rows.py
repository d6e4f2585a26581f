"""Normalised rows become token ids, with the positions that carry a target."""

import hashlib
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from transformers import PreTrainedTokenizerBase

from services.worker.failures import FailureCode, JobFailed
from services.worker.phase_clock import PhaseClock
from services.worker.text.dataset_file import DatasetFile, Row, read_rows
from services.worker.text.decoded_answers import FAULTS
from services.worker.text.marked_text import EncodedText, MarkedText, TokenRow, encode_texts
from services.worker.text.row_counts import RowCounts
from services.worker.text.row_lines import reasons_by_rows, to_hold_rows
from services.worker.text.row_rules import RowRules
from services.worker.text.row_writer import RowWriter, WrittenRow
from shared.messages.message import Message, say, stored

ROWS_AT_ONCE = 256
CHARACTERS_AT_ONCE = 250_000
BREATH_SECONDS = 0.5


@dataclass(frozen=True)
class TokenRows:
    """The rows that can be trained on, in file order, and what became of all of them."""

    rows: list[TokenRow]
    counts: RowCounts

    @property
    def skipped(self) -> int:
        return self.counts.skipped

    @property
    def truncated(self) -> int:
        return self.counts.truncated

    @property
    def tokens(self) -> int:
        return sum(len(row) for row in self.rows)

    def sha256(self) -> str:
        """Changes with any token, target or order: what a checkpoint's rows are recognised by."""
        digest = hashlib.sha256()
        for row in self.rows:
            digest.update(len(row).to_bytes(8, "little"))
            digest.update(row.ids.tobytes())
            digest.update(row.targets.tobytes())
        return digest.hexdigest()


def encode_dataset(
    data: DatasetFile,
    rules: RowRules,
    tokenizer: PreTrainedTokenizerBase,
    tick: Callable[[int], None] = lambda rows: None,
    stages: PhaseClock | None = None,
) -> TokenRows:
    """All rows of `data` as tokens; `tick(rows so far)` is called now and then, within long rows as well.

    Rows longer than `max_seq_length` are cut on the right (a classified message is shortened instead, so
    that its label survives; a long text is split where the rules say so). A row left without a target, one
    the chat template refuses, or one whose answers don't come back from their tokens, is skipped and
    counted with the reason. On `stages` reading the file is "data_load". Raises `JobFailed`
    (dataset_invalid) if nothing is left to learn.
    """
    if not tokenizer.is_fast:
        raise JobFailed(
            FailureCode.MODEL_UNSUPPORTED,
            say("tokenizer-without-offsets", tokenizer=type(tokenizer).__name__),
            say("name-model-with-fast-tokenizer"),
        )
    counts, kept = RowCounts(), list[TokenRow]()
    breathe = _Breath(lambda: tick(counts.seen))
    writer = RowWriter(rules, tokenizer, counts, breathe)
    tick(0)
    for batch in _batches(data, writer.write, stages or PhaseClock()):
        for written, encoded in _encoded(batch, tokenizer, breathe):
            rows = _used(written, encoded, writer, counts)
            counts.used += bool(rows)
            kept += rows
        tick(counts.seen)
    counts.made = len(kept)
    if not kept:
        raise _nothing_left(counts, rules)
    return TokenRows(kept, counts)


class _Breath:
    """Calls `tick` at most twice a second, from within whatever takes long."""

    def __init__(self, tick: Callable[[], None]) -> None:
        self._tick, self._last = tick, time.monotonic()

    def __call__(self) -> None:
        if time.monotonic() - self._last > BREATH_SECONDS:
            self._tick()
            self._last = time.monotonic()


def _batches(
    data: DatasetFile, write: Callable[[Row], WrittenRow], stages: PhaseClock
) -> Iterator[list[WrittenRow]]:
    rows = read_rows(data)
    while True:
        with stages.phase("data_load"):
            read = list(islice(rows, ROWS_AT_ONCE))
        if not read:
            return
        yield [write(row) for row in read]


def _encoded(
    batch: Sequence[WrittenRow], tokenizer: PreTrainedTokenizerBase, breathe: Callable[[], None]
) -> Iterator[tuple[WrittenRow, list[EncodedText]]]:
    texts = [text for written in batch for text in written.texts]
    encoded: list[EncodedText] = []
    for some in _portions(texts):
        encoded += encode_texts(some, tokenizer)
        breathe()
    rest = iter(encoded)
    for written in batch:
        yield written, [next(rest) for _ in written.texts]


def _portions(texts: Sequence[MarkedText]) -> Iterator[list[MarkedText]]:
    portion: list[MarkedText] = []
    characters = 0
    for text in texts:
        portion.append(text)
        characters += len(text.text)
        if characters > CHARACTERS_AT_ONCE:
            yield portion
            portion, characters = [], 0
    if portion:
        yield portion


def _used(
    written: WrittenRow, encoded: Sequence[EncodedText], writer: RowWriter, counts: RowCounts
) -> list[TokenRow]:
    """The token rows that a row of the data set gives, within the limit; what is lost is counted."""
    limit = writer.rules.max_seq_length
    used: list[TokenRow] = []
    refused = Counter(written.refused)
    counts.changed += any(text.changed for text in encoded)
    if encoded and (unknown := max(text.unknown for text in encoded)):  # rows of one conversation repeat it
        counts.unknown_rows += 1
        counts.unknown_characters += unknown
    for text in encoded:
        if text.fault is not None:
            reason = stored(text.fault)
            refused[reason] += len(text.answers)
            counts.refused_turns[reason] += len(text.answers)
            continue
        long = len(text.row) > limit
        if long and writer.rules.long_text == "split":
            counts.split += 1
            rows = text.row.split(limit)
            _count(text, text, counts)
        else:
            fitted = writer.fit(written.row, text) if long else text
            if long:
                counts.note_truncated(written.number)
            rows = [] if fitted is None else [fitted.row]
            _count(text, fitted, counts)
        used += [row for row in rows if row.targets.any()]
    if not used:
        counts.note_skipped(written.number, next(iter(refused), _no_target(limit)))
    elif refused:
        counts.partly_refused += 1
        counts.partly_refused_turns += refused
    return used


def _no_target(max_seq_length: int) -> str:
    return stored(say("no-token-to-learn", max_seq_length=max_seq_length))


def _count(text: EncodedText, used: EncodedText | None, counts: RowCounts) -> None:
    """What of `text` is used: tokens, targets, answers whole, cut or not at all."""
    targets, tokens = int(text.row.targets.sum()), len(used.row) if used else 0
    counts.tokens += len(text.row)
    counts.longest = max(counts.longest, len(text.row))
    counts.lost_tokens += len(text.row) - tokens
    counts.target_tokens += targets
    counts.lost_target_tokens += targets - (int(used.row.targets.sum()) if used else 0)
    counts.answers += len(text.answers)
    answers = used.answers if used else text.answers
    counts.lost_answers += sum(start >= tokens for start, _ in answers)
    counts.cut_answers += sum(start < tokens < end for start, end in answers)


def _nothing_left(counts: RowCounts, rules: RowRules) -> JobFailed:
    """The failure, which names the causes in the order of how many rows they cost."""
    return JobFailed(
        FailureCode.DATASET_INVALID,
        say("no-row-can-be-learned", rows=counts.seen, reasons=reasons_by_rows(counts.skipped_reasons)),
        _remedy(counts, rules),
    )


def _remedy(counts: RowCounts, rules: RowRules) -> Message:
    """What helps against the most frequent reason."""
    reason = counts.skipped_reasons.most_common(1)[0][0]
    if reason == _no_target(rules.max_seq_length):
        return to_hold_rows(counts, "shorten_before")
    if reason in map(stored, FAULTS.values()):
        return say("name-model-with-characters")
    return say("follow-chat-template")
