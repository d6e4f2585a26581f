"""A message to classify, as tokens: the question once, and each label as its answer."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from services.worker.text.chat_template import ChatTemplate, TemplateRefusal
from services.worker.text.classification import ClassificationPrompt
from services.worker.text.marked_text import TokenRow, encode_texts


@dataclass(frozen=True)
class Question:
    """`prompt` int64 [tokens] is what all answers begin with; `answers` go on from there, one for each label.

    Every target lies in the answers. What a template writes after an answer's last target is left out.
    """

    prompt: Tensor
    answers: tuple[TokenRow, ...]

    def only(self, first: int, end: int) -> "Question":
        """With the answers of some labels."""
        return Question(self.prompt, self.answers[first:end])


def make_question(
    text: str, prompt: ClassificationPrompt, template: ChatTemplate, max_seq_length: int
) -> Question | None:
    """None if not even an empty message fits. Raises TemplateRefusal."""
    rows = _rows(text, prompt, template)
    if rows and max(map(len, rows)) > max_seq_length:
        longest = prompt.labels[max(range(len(rows)), key=lambda index: len(rows[index]))]
        fitted = prompt.fit(template, text, longest, max_seq_length)
        rows = _rows(fitted[0], prompt, template) if fitted else []
    if not rows or not all(row.targets.any() for row in rows):
        return None
    shared = _shared_length(rows)
    if shared == 0:
        return None
    ends = [int(np.flatnonzero(row.targets)[-1]) + 1 for row in rows]
    return Question(
        torch.from_numpy(rows[0].ids[:shared].astype(np.int64)),
        tuple(
            TokenRow(row.ids[shared:end], row.targets[shared:end])
            for row, end in zip(rows, ends, strict=True)
        ),
    )


def _rows(text: str, prompt: ClassificationPrompt, template: ChatTemplate) -> list[TokenRow]:
    """The whole row for each label."""
    marked = [prompt.render(template, text, label) for label in prompt.labels]
    encoded = encode_texts(marked, template.tokenizer)
    if fault := next((row.fault for row in encoded if row.fault), None):
        raise TemplateRefusal(fault)
    return [row.row for row in encoded]


def _shared_length(rows: Sequence[TokenRow]) -> int:
    """Tokens that all rows begin with, but none that any row has as a target."""
    limit = min(int(np.flatnonzero(row.targets)[0]) for row in rows)
    first = rows[0].ids[:limit]
    return min(_agreement(first, row.ids[:limit]) for row in rows)


def _agreement(first: np.ndarray, second: np.ndarray) -> int:
    different = np.flatnonzero(first != second)
    return int(different[0]) if len(different) else len(first)
