"""How likely a model finds each label as the answer to a message."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor
from transformers import PreTrainedModel

from services.worker.computing.plan.precision import autocast
from services.worker.evaluation.question import Question
from services.worker.text.marked_text import TokenRow

TOKENS_AT_ONCE = 4096
LABELS_AT_ONCE = 16
LOGITS_AT_ONCE = 2**26


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

    A prompt is computed once for all labels where the model allows it, which the longest question shows.
    """
    scores = torch.zeros(len(questions), len(questions[0].answers))
    done = 0
    with _contiguous_head(model):
        score = score_together if may_share_prompts(model, questions, device) else score_apart
        for indices in _batches(questions, model.config.get_text_config().vocab_size):
            batch = [questions[index] for index in indices]
            scores[indices] = torch.cat(
                [
                    score(model, [question.only(first, first + LABELS_AT_ONCE) for question in batch], device)
                    for first in range(0, scores.shape[1], LABELS_AT_ONCE)
                ],
                dim=1,
            ).cpu()
            done += len(batch)
            tick(done)
    return scores


def score_together(model: PreTrainedModel, batch: Sequence[Question], device: torch.device) -> Tensor:
    """[questions, labels], all in one pass over rows of this form, with the attention that its parts allow:

        prompt without its last token, padding | last token, answer 1 | last token, answer 2 | …

    Each answer sees the prompt and itself, at the positions it would have if it stood there alone. The
    answers begin in the same column in every row, so logits are computed for them alone.
    """
    lengths = torch.tensor([len(question.prompt) - 1 for question in batch])
    answers = [
        _padded([question.answers[label] for question in batch]) for label in range(len(batch[0].answers))
    ]
    width = int(lengths.max())
    last = torch.stack([question.prompt[-1] for question in batch]).unsqueeze(1)
    prompts = torch.zeros(len(batch), width, dtype=torch.int64)
    for index, question in enumerate(batch):
        prompts[index, : lengths[index]] = question.prompt[:-1]
    ids = torch.cat([prompts, *(torch.cat([last, ids[:, :-1]], dim=1) for ids, _ in answers)], dim=1)
    parts = torch.cat(
        [torch.zeros(width), *(torch.full((ids.shape[1],), n + 1) for n, (ids, _) in enumerate(answers))]
    )
    offsets = [torch.arange(ids.shape[1]).unsqueeze(0) + lengths.unsqueeze(1) for ids, _ in answers]
    positions = torch.cat([torch.arange(width).expand(len(batch), -1), *offsets], dim=1)
    with autocast(model, device):
        logits = model(
            input_ids=ids.to(device),
            position_ids=positions.to(device),
            attention_mask=_tree_mask(lengths, parts, model.get_input_embeddings().weight.dtype).to(device),
            use_cache=False,
            logits_to_keep=ids.shape[1] - width,
        ).logits
    each = logits.split([ids.shape[1] for ids, _ in answers], dim=1)
    return torch.stack(
        [_sum_of_targets(part, *answer) for part, answer in zip(each, answers, strict=True)], dim=1
    )


def score_apart(model: PreTrainedModel, batch: Sequence[Question], device: torch.device) -> Tensor:
    """[questions, labels], each answer in a pass of its own after its whole prompt."""
    scores = torch.zeros(len(batch), len(batch[0].answers))
    for row, question in enumerate(batch):
        for label, answer in enumerate(question.answers):
            ids, targets = _padded([answer])
            whole = torch.cat([question.prompt.unsqueeze(0), ids[:, :-1]], dim=1).to(device)
            with autocast(model, device):
                logits = model(input_ids=whole, use_cache=False, logits_to_keep=ids.shape[1]).logits
            scores[row, label] = _sum_of_targets(logits, ids, targets)
    return scores


def may_share_prompts(model: PreTrainedModel, questions: Sequence[Question], device: torch.device) -> bool:
    """Whether both ways agree on the longest question, up to rounding.

    They don't where attention is not what the mask says (a sliding window shorter than the question, a state
    instead of attention).
    """
    longest = max(questions, key=lambda question: len(question.prompt)).only(0, LABELS_AT_ONCE)
    together, apart = (score(model, [longest], device).cpu() for score in (score_together, score_apart))
    exact = model.get_input_embeddings().weight.dtype == torch.float32
    return torch.allclose(together, apart, rtol=1e-3 if exact else 0.02, atol=1e-3 if exact else 0.25)


@contextmanager
def _contiguous_head(model: PreTrainedModel) -> Iterator[None]:
    """On the CPU a linear layer copies its weight for each row of an input that is a slice of a tensor."""
    head = model.get_output_embeddings()
    hook = head.register_forward_pre_hook(lambda module, inputs: (inputs[0].contiguous(), *inputs[1:]))
    try:
        yield
    finally:
        hook.remove()


def _batches(questions: Sequence[Question], vocab_size: int) -> Iterator[list[int]]:
    """Indices of questions of like length, longest first, within the limits on tokens and logits."""

    def answer_tokens(question: Question) -> int:
        return sum(sorted(map(len, question.answers))[-LABELS_AT_ONCE:])

    order = sorted(range(len(questions)), key=lambda index: len(questions[index].prompt), reverse=True)
    start = 0
    while start < len(order):
        longest = questions[order[start]]
        logits = max(1, answer_tokens(longest))
        size = min(TOKENS_AT_ONCE // (len(longest.prompt) + logits), LOGITS_AT_ONCE // (logits * vocab_size))
        yield order[start : start + max(1, size)]
        start += max(1, size)


def _padded(answers: Sequence[TokenRow]) -> tuple[Tensor, Tensor]:
    """Ids and targets, [answers, longest]; the padding stands on the right and is no target."""
    width = max(map(len, answers))
    ids = torch.zeros(len(answers), width, dtype=torch.int64)
    targets = torch.zeros(len(answers), width, dtype=torch.bool)
    for index, answer in enumerate(answers):
        ids[index, : len(answer)] = torch.from_numpy(answer.ids)
        targets[index, : len(answer)] = torch.from_numpy(answer.targets)
    return ids, targets


def _tree_mask(lengths: Tensor, parts: Tensor, dtype: torch.dtype) -> Tensor:
    """Additive mask [rows, 1, columns, columns]: a column sees earlier ones of its own part and of the
    prompt.

    `lengths` are the prompts' real tokens, `parts` each column's part, 0 for the prompt.
    """
    columns = torch.arange(len(parts))
    earlier = columns.unsqueeze(0) <= columns.unsqueeze(1)
    own = parts.unsqueeze(0) == parts.unsqueeze(1)
    of_prompt = ((parts == 0) & (columns < lengths.unsqueeze(1))).unsqueeze(1)
    seen = earlier & (own | of_prompt)
    return torch.zeros(seen.shape, dtype=dtype).masked_fill(~seen, torch.finfo(dtype).min).unsqueeze(1)


def _sum_of_targets(logits: Tensor, ids: Tensor, targets: Tensor) -> Tensor:
    """fp32 [rows]: log-probability of `ids` summed where they are targets; all [rows, columns(,
    vocabulary)].
    """
    each = logits.float().log_softmax(-1).gather(-1, ids.to(logits.device).unsqueeze(-1)).squeeze(-1)
    return each.masked_fill(~targets.to(logits.device), 0.0).sum(-1)
