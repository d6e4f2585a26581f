"""How likely a model finds each label as the answer to a message."""

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import torch
from torch import Tensor
from transformers import DynamicCache, PreTrainedModel, PreTrainedTokenizerBase

from services.worker.training.classification import ClassificationPrompt
from services.worker.training.marked_text import TokenRow, tokenize
from services.worker.training.precision import autocast

TOKENS_AT_ONCE = 4096


@dataclass(frozen=True)
class Question:
    """`prompt` int64 [tokens] is what all answers begin with; `answers` go on from there, one for each label.

    Every target lies in the answers. What a template writes after an answer's last target is left out.
    """

    prompt: Tensor
    answers: tuple[TokenRow, ...]


def make_question(
    text: str, prompt: ClassificationPrompt, tokenizer: PreTrainedTokenizerBase, max_seq_length: int
) -> Question | None:
    """None if the chat template refuses the message or not even an empty one fits."""
    rows = _rows(text, prompt, tokenizer)
    if rows and max(map(len, rows)) > max_seq_length:
        longest = prompt.labels[max(range(len(rows)), key=lambda index: len(rows[index]))]
        fitted = prompt.fit(tokenizer, text, longest, max_seq_length)
        rows = _rows(fitted[0], prompt, tokenizer) if fitted else []
    if not rows or not all(row.targets.any() for row in rows):
        return None
    shared = _shared_length(rows)
    ends = [int(np.flatnonzero(row.targets)[-1]) + 1 for row in rows]
    return Question(
        torch.from_numpy(rows[0].ids[:shared].astype(np.int64)),
        tuple(
            TokenRow(row.ids[shared:end], row.targets[shared:end])
            for row, end in zip(rows, ends, strict=True)
        ),
    )


@torch.no_grad()
def score_labels(
    model: PreTrainedModel,
    questions: Sequence[Question],
    device: torch.device,
    tick: Callable[[int], None] = lambda questions: None,
) -> Tensor:
    """Log-probability of each label's answer, fp32 [questions, labels]; `tick(questions so far)` in between.

    An answer's score is the sum over its targets: the label's tokens and the end of the turn. With the end
    it is the probability that the model says this label and nothing more, so scores of labels of different
    lengths compare as they are, and minus the score is what training minimised.

    Each prompt is computed once and its keys and values are shared by the labels. Only prompts of the same
    length share a batch: no padding stands before an answer, so no mask is needed and the numbers are those
    of one question alone.
    """
    scores = torch.zeros(len(questions), len(questions[0].answers) if questions else 0)
    done = 0
    for indices in _batches(questions):
        batch = [questions[index] for index in indices]
        with autocast(model, device):
            scores[indices] = _score_batch(model, batch, device).cpu()
        done += len(batch)
        tick(done)
    return scores


def _rows(text: str, prompt: ClassificationPrompt, tokenizer: PreTrainedTokenizerBase) -> list[TokenRow]:
    """The whole row for each label; none if the template refuses one of them."""
    marked = [prompt.render(tokenizer, text, label) for label in prompt.labels]
    accepted = [row for row in marked if row is not None]
    return tokenize(accepted, tokenizer) if len(accepted) == len(marked) else []


def _shared_length(rows: Sequence[TokenRow]) -> int:
    """Tokens that all rows begin with, but none that any row has as a target."""
    limit = min(int(np.flatnonzero(row.targets)[0]) for row in rows)
    first = rows[0].ids[:limit]
    return min(_agreement(first, row.ids[:limit]) for row in rows)


def _agreement(first: np.ndarray, second: np.ndarray) -> int:
    different = np.flatnonzero(first != second)
    return int(different[0]) if len(different) else len(first)


def _batches(questions: Sequence[Question]) -> Iterator[list[int]]:
    """Indices of questions with prompts of one length, longest first, `TOKENS_AT_ONCE` or one question at a
    time.
    """
    length = [len(question.prompt) for question in questions]
    order = sorted(range(len(questions)), key=length.__getitem__, reverse=True)
    for tokens, group in groupby(order, key=length.__getitem__):
        indices, size = list(group), max(1, TOKENS_AT_ONCE // tokens)
        for start in range(0, len(indices), size):
            yield indices[start : start + size]


def _score_batch(model: PreTrainedModel, batch: Sequence[Question], device: torch.device) -> Tensor:
    prompts = torch.stack([question.prompt for question in batch]).to(device)
    cache = DynamicCache(config=model.config)
    after_prompt = model(input_ids=prompts, past_key_values=cache, use_cache=True, logits_to_keep=1).logits
    labels = range(len(batch[0].answers))
    columns = [
        _score_answers(model, [question.answers[label] for question in batch], after_prompt, cache, device)
        for label in labels
    ]
    return torch.stack(columns, dim=1)


def _score_answers(
    model: PreTrainedModel,
    answers: Sequence[TokenRow],
    after_prompt: Tensor,
    cache: DynamicCache,
    device: torch.device,
) -> Tensor:
    """fp32 [answers]; shorter answers are padded on the right, where a causal model can't look."""
    width = max(map(len, answers))
    ids = torch.zeros(len(answers), width, dtype=torch.int64)
    targets = torch.zeros(len(answers), width, dtype=torch.bool)
    for index, answer in enumerate(answers):
        ids[index, : len(answer)] = torch.from_numpy(answer.ids)
        targets[index, : len(answer)] = torch.from_numpy(answer.targets)
    ids, targets = ids.to(device), targets.to(device)
    logits = after_prompt
    if width > 1:
        # A copy: the call appends this answer to its cache, and the next starts from the prompt again.
        follow = model(input_ids=ids[:, :-1], past_key_values=copy.deepcopy(cache), use_cache=True).logits
        logits = torch.cat([after_prompt, follow], dim=1)
    each = logits.float().log_softmax(-1).gather(-1, ids.unsqueeze(-1)).squeeze(-1)
    return each.masked_fill(~targets, 0.0).sum(-1)
