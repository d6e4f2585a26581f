"""Normalised rows become token ids, with the positions that carry a target."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Literal

from transformers import PreTrainedTokenizerBase

from services.worker.failures import FailureCode, JobFailed
from services.worker.text.chat import render_chat, require_chat_template
from services.worker.text.classification import ClassificationPrompt
from services.worker.text.dataset_file import DatasetFile, Row, read_rows
from services.worker.text.marked_text import MarkedText, TokenRow, tokenize
from shared.schemas import RowFormat

ROWS_AT_ONCE = 256


@dataclass(frozen=True)
class RowRules:
    """How rows are written and which of their tokens are learned."""

    format: RowFormat
    loss_on: Literal["completion", "all"]
    max_seq_length: int
    prompt: ClassificationPrompt | None = None

    @classmethod
    def of(
        cls,
        data: DatasetFile,
        *,
        loss_on: Literal["completion", "all"] | None,
        max_seq_length: int,
        instruction: str | None,
    ) -> "RowRules":
        """`loss_on` None means completion, and all for text; raises `JobFailed` for text with completion."""
        shape = data.summary.format
        if shape == "text" and loss_on == "completion":
            raise JobFailed(
                FailureCode.DATASET_INVALID,
                "Rows in the format text have no completion, and loss_on is completion.",
                "Leave loss_on out or set it to all, or use rows with prompt and completion.",
            )
        prompt = None
        if shape == "classification":
            prompt = ClassificationPrompt.of(instruction, data.summary.labels or [])
        return cls(shape, loss_on or ("all" if shape == "text" else "completion"), max_seq_length, prompt)


@dataclass(frozen=True)
class TokenRows:
    """The rows that can be trained on, in file order, and what became of the others."""

    rows: list[TokenRow]
    skipped: int
    truncated: int

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
) -> TokenRows:
    """All rows of `data` as tokens; `tick(rows so far)` is called now and then.

    Rows longer than `max_seq_length` are cut on the right (a classified message is shortened instead, so
    that its label survives); a row left without a target, or one the chat template refuses, is skipped and
    counted. Raises `JobFailed` (dataset_invalid) if nothing is left to learn.
    """
    if not tokenizer.is_fast:
        raise JobFailed(
            FailureCode.MODEL_UNSUPPORTED,
            f"The tokenizer {type(tokenizer).__name__} does not say where in the text a token stands.",
            "Use a model that ships a tokenizer.json.",
        )
    if rules.format in ("chat", "classification"):
        require_chat_template(tokenizer)
    kept: list[TokenRow] = []
    seen = truncated = 0
    for batch in _batches(data):
        seen += len(batch)
        for row in _encode_batch(batch, rules, tokenizer):
            truncated += len(row.whole) > rules.max_seq_length
            if row.used is not None and row.used.targets.any():
                kept.append(row.used)
        tick(seen)
    if not kept:
        raise JobFailed(
            FailureCode.DATASET_INVALID,
            f"None of the {seen} rows has a token to learn within max_seq_length {rules.max_seq_length}.",
            "Raise max_seq_length, or shorten what stands before the completion.",
        )
    return TokenRows(kept, skipped=seen - len(kept), truncated=truncated)


@dataclass(frozen=True)
class _Encoded:
    whole: TokenRow
    used: TokenRow | None


def _batches(data: DatasetFile) -> Iterator[list[Row]]:
    rows = read_rows(data)
    while batch := list(islice(rows, ROWS_AT_ONCE)):
        yield batch


def _encode_batch(
    batch: list[Row], rules: RowRules, tokenizer: PreTrainedTokenizerBase
) -> Iterator[_Encoded]:
    marked = [(row, _mark(row, rules, tokenizer)) for row in batch]
    accepted = [(row, text) for row, text in marked if text is not None]
    wholes = tokenize([text for _, text in accepted], tokenizer)
    for (row, _), whole in zip(accepted, wholes, strict=True):
        if len(whole) <= rules.max_seq_length:
            yield _Encoded(whole, whole)
        else:
            yield _Encoded(whole, _cut(row, whole, rules, tokenizer))


def _cut(row: Row, whole: TokenRow, rules: RowRules, tokenizer: PreTrainedTokenizerBase) -> TokenRow | None:
    if rules.prompt is None:
        return whole.cut(rules.max_seq_length)
    fitted = rules.prompt.fit(
        tokenizer, row["text"], row["label"], rules.max_seq_length, mark_all=rules.loss_on == "all"
    )
    return None if fitted is None else fitted[1]


def _mark(row: Row, rules: RowRules, tokenizer: PreTrainedTokenizerBase) -> MarkedText | None:
    mark_all = rules.loss_on == "all"
    match rules.format:
        case "chat":
            return render_chat(tokenizer, row["messages"], mark_all=mark_all)
        case "classification":
            assert rules.prompt is not None
            return rules.prompt.render(tokenizer, row["text"], row["label"], mark_all=mark_all)
        case "prompt_completion":
            text = row["prompt"] + row["completion"]
            return MarkedText(text, ((0 if mark_all else len(row["prompt"]), len(text)),), complete=True)
        case "text":
            return MarkedText(row["text"], ((0, len(row["text"])),), complete=True)
