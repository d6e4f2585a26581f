"""A label's score is the log-probability of its tokens and its end, however it is computed."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest
import torch
from torch import Tensor
from transformers import MistralConfig, MistralForCausalLM, PreTrainedModel

from services.worker.evaluation import label_scores
from services.worker.evaluation.label_scores import (
    may_share_prompts,
    score_apart,
    score_labels,
    score_together,
)
from services.worker.evaluation.question import Question, make_question
from services.worker.models.load import LoadedModel
from services.worker.text.chat_template import ChatTemplate
from services.worker.text.classification import ClassificationPrompt
from services.worker.text.marked_text import tokenize
from tests.worker.training.tiny_bases import Rows

Score = Callable[[PreTrainedModel, Sequence[Question], torch.device], Tensor]
# Labels of different lengths, two of which begin alike.
PROMPT = ClassificationPrompt.of("광고?", ["spam", "spam and more", "ham", "오늘 저녁"])


@torch.no_grad()
def plain_score(base: LoadedModel, text: str, label: str) -> float:
    """The whole conversation at once, no cache, no batch, log-softmax by hand."""
    marked = PROMPT.render(ChatTemplate.of(base.tokenizer), text, label)
    (row,) = tokenize([marked], base.tokenizer)
    ids = torch.from_numpy(row.ids.astype(np.int64)).unsqueeze(0)
    log_p = base.model(ids).logits[0].double().log_softmax(-1)
    return sum(float(log_p[at - 1, row.ids[at]]) for at in np.flatnonzero(row.targets))


def questions_of(base: LoadedModel, texts: list[str], max_seq_length: int = 512) -> list[Question]:
    made = [make_question(text, PROMPT, ChatTemplate.of(base.tokenizer), max_seq_length) for text in texts]
    return [question for question in made if question is not None]


@pytest.mark.parametrize("name", ["llama", "exaone"])
def test_sharing_the_prompt_among_labels_and_rows_changes_nothing(
    name: str, request: pytest.FixtureRequest, spam_rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    base: LoadedModel = request.getfixturevalue(name)
    monkeypatch.setattr(label_scores, "TOKENS_AT_ONCE", 100)
    texts = [row["text"] for row in spam_rows[:12]]
    scores = score_labels(base.model, questions_of(base, texts), base.device)
    expected = [[plain_score(base, text, label) for label in PROMPT.labels] for text in texts]
    torch.testing.assert_close(scores, torch.tensor(expected), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("score", [score_together, score_apart])
@torch.no_grad()
def test_both_ways_to_score_are_the_plain_one(llama: LoadedModel, spam_rows: Rows, score: Score) -> None:
    texts = [row["text"] for row in spam_rows[:6]]
    scores = score(llama.model, questions_of(llama, texts), llama.device)
    expected = [[plain_score(llama, text, label) for label in PROMPT.labels] for text in texts]
    torch.testing.assert_close(scores, torch.tensor(expected), rtol=1e-5, atol=1e-5)


@torch.no_grad()
def test_a_model_that_looks_back_only_so_far_is_scored_label_by_label(llama: LoadedModel) -> None:
    """A sliding window is not in the mask that labels share a prompt by."""
    torch.manual_seed(0)
    sizes = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4}
    questions = questions_of(llama, ["See you at 7, are you coming home?"])
    for window, expected in ((8, False), (None, True)):
        config = MistralConfig(
            vocab_size=511, num_key_value_heads=2, sliding_window=window, initializer_range=0.2, **sizes
        )
        model = MistralForCausalLM(config).eval()
        assert may_share_prompts(model, questions, llama.device) is expected


def test_many_labels_are_scored_a_few_at_a_time(
    llama: LoadedModel, spam_rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    questions = questions_of(llama, [row["text"] for row in spam_rows[:4]])
    expected = score_labels(llama.model, questions, llama.device)
    monkeypatch.setattr(label_scores, "LABELS_AT_ONCE", 3)
    torch.testing.assert_close(score_labels(llama.model, questions, llama.device), expected)


def test_an_nf4_base_scores_nearly_as_the_plain_way(llama_nf4: LoadedModel, spam_rows: Rows) -> None:
    texts = [row["text"] for row in spam_rows[:4]]
    scores = score_labels(llama_nf4.model, questions_of(llama_nf4, texts), llama_nf4.device)
    expected = [[plain_score(llama_nf4, text, label) for label in PROMPT.labels] for text in texts]
    torch.testing.assert_close(scores, torch.tensor(expected), rtol=0.02, atol=0.1)


def test_a_long_message_is_cut_until_every_label_fits(llama: LoadedModel) -> None:
    (question,) = questions_of(llama, ["Free prize! " * 100], max_seq_length=60)
    assert 50 < len(question.prompt) + max(len(answer) for answer in question.answers) <= 60
    assert [llama.tokenizer.decode(answer.ids[answer.targets].tolist()) for answer in question.answers] == [
        f"{label}<|im_end|>" for label in PROMPT.labels
    ]


def test_a_message_for_which_there_is_no_room_is_not_asked(llama: LoadedModel) -> None:
    assert questions_of(llama, ["Free prize!"], max_seq_length=8) == []


def test_progress_counts_questions_up_to_all(llama: LoadedModel, spam_rows: Rows) -> None:
    seen: list[int] = []
    score_labels(
        llama.model, questions_of(llama, [row["text"] for row in spam_rows]), llama.device, seen.append
    )
    assert seen == sorted(seen)
    assert seen[-1] == len(spam_rows)
