"""Which tokens of a row are learned."""

import pytest

from services.worker.failures import FailureCode, JobFailed
from services.worker.models.load import LoadedModel
from services.worker.text.marked_text import TokenRow
from services.worker.text.row_rules import RowRules
from services.worker.text.rows import TokenRows, encode_dataset
from shared.schemas.fields import RowFormat
from tests.worker.training.tiny_bases import Rows, WriteRows


def encode(
    base: LoadedModel,
    write_rows: WriteRows,
    rows: Rows,
    format: RowFormat,
    *,
    loss_on: str | None = None,
    max_seq_length: int = 512,
    instruction: str | None = None,
) -> TokenRows:
    data = write_rows(rows, format)
    rules = RowRules.of(data, loss_on=loss_on, max_seq_length=max_seq_length, instruction=instruction)  # type: ignore[arg-type]
    return encode_dataset(data, rules, base.tokenizer)


def whole(base: LoadedModel, row: TokenRow) -> str:
    return str(base.tokenizer.decode(row.ids.tolist()))


def learned(base: LoadedModel, row: TokenRow) -> str:
    return str(base.tokenizer.decode(row.ids[row.targets].tolist()))


CHAT = {
    "messages": [
        {"role": "user", "content": "See you at 7?"},
        {"role": "assistant", "content": "Yes, 오늘 저녁 7시."},
        {"role": "user", "content": "assistant"},
        {"role": "assistant", "content": "user"},
    ]
}


def test_every_assistant_turn_is_learned_with_its_end_token(
    llama: LoadedModel, write_rows: WriteRows
) -> None:
    (row,) = encode(llama, write_rows, [CHAT], "chat").rows
    assert learned(llama, row) == "Yes, 오늘 저녁 7시.<|im_end|>user<|im_end|>"
    assert row.targets[-1] == False  # noqa: E712  # the newline after the end token
    assert whole(llama, row).endswith("<|im_start|>assistant\nuser<|im_end|>\n")


def test_an_answer_of_weight_zero_is_written_and_not_learned(
    llama: LoadedModel, write_rows: WriteRows
) -> None:
    first, answer, *rest = CHAT["messages"]
    messages = [first, {**answer, "weight": 0}, *rest]
    (row,) = encode(llama, write_rows, [{"messages": messages}], "chat").rows
    assert learned(llama, row) == "user<|im_end|>"
    assert "Yes, 오늘 저녁 7시." in whole(llama, row)


def test_exaone_gets_its_empty_system_turn_and_learns_the_same(
    exaone: LoadedModel, write_rows: WriteRows
) -> None:
    (row,) = encode(exaone, write_rows, [CHAT], "chat").rows
    assert whole(exaone, row).startswith("[|system|][|endofturn|]\n[|user|]See you at 7?\n[|assistant|]Yes")
    assert learned(exaone, row) == "Yes, 오늘 저녁 7시.[|endofturn|]user[|endofturn|]"


def test_text_that_a_normalizer_changes_is_still_marked_at_its_place(
    exaone: LoadedModel, write_rows: WriteRows
) -> None:
    decomposed = "오늘"  # four letters that NFKC joins to two
    messages = [{"role": "user", "content": decomposed * 3}, {"role": "assistant", "content": "spam ① ok"}]
    (row,) = encode(exaone, write_rows, [{"messages": messages}], "chat").rows
    assert learned(exaone, row) == "spam 1 ok[|endofturn|]"


def test_a_conversation_whose_turns_are_rewritten_later_is_learned_turn_by_turn(
    llama: LoadedModel, write_rows: WriteRows
) -> None:
    """As with templates that drop the reasoning of all turns but the last."""
    tokenizer = llama.tokenizer
    template = tokenizer.chat_template
    tokenizer.chat_template = (
        "{% for m in messages %}<|im_start|>{{ m['role'] }}\n"
        "{% if m['role'] == 'assistant' and loop.last %}(thought)\n{% endif %}{{ m['content'] }}<|im_end|>\n"
        "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
    )
    try:
        encoded = encode(llama, write_rows, [CHAT], "chat")
    finally:
        tokenizer.chat_template = template
    first, second = encoded.rows
    assert learned(llama, first) == "Yes, 오늘 저녁 7시.<|im_end|>"
    assert whole(llama, first).endswith("assistant\n(thought)\nYes, 오늘 저녁 7시.<|im_end|>\n")
    assert learned(llama, second) == "user<|im_end|>"
    assert "assistant\nYes" in whole(llama, second)
    assert (encoded.counts.unrolled, encoded.counts.made) == (1, 2)


def test_a_template_without_generation_prompt_marks_the_content(
    llama: LoadedModel, write_rows: WriteRows
) -> None:
    tokenizer = llama.tokenizer
    template = tokenizer.chat_template
    tokenizer.chat_template = (
        "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    )
    try:
        (row,) = encode(llama, write_rows, [CHAT], "chat").rows
    finally:
        tokenizer.chat_template = template
    assert learned(llama, row) == "Yes, 오늘 저녁 7시.<|im_end|>user<|im_end|>"


def test_a_conversation_that_the_template_refuses_is_skipped_and_counted(
    llama: LoadedModel, write_rows: WriteRows
) -> None:
    tokenizer = llama.tokenizer
    template = tokenizer.chat_template
    tokenizer.chat_template = (
        "{% if messages[0]['role'] == 'assistant' %}{{ raise_exception('a user must begin') }}{% endif %}"
        + template
    )
    try:
        encoded = encode(llama, write_rows, [CHAT, {"messages": CHAT["messages"][1:]}], "chat")
    finally:
        tokenizer.chat_template = template
    assert (len(encoded.rows), encoded.skipped) == (1, 1)


def test_loss_on_all_learns_everything_but_the_first_token(llama: LoadedModel, write_rows: WriteRows) -> None:
    (row,) = encode(llama, write_rows, [CHAT], "chat", loss_on="all").rows
    assert not row.targets[0]
    assert row.targets[1:].all()


def test_a_completion_is_learned_whole_with_the_end_of_sequence(
    llama: LoadedModel, write_rows: WriteRows
) -> None:
    (row,) = encode(
        llama, write_rows, [{"prompt": "Spam or", "completion": " ham?"}], "prompt_completion"
    ).rows
    assert learned(llama, row) == " ham?<|im_end|>"
    assert row.ids[-1] == llama.tokenizer.eos_token_id


def test_a_token_across_the_border_belongs_to_the_completion(
    llama: LoadedModel, write_rows: WriteRows
) -> None:
    """The tiny tokenizer joins a space to the word after it."""
    (row,) = encode(
        llama, write_rows, [{"prompt": "Spam or ", "completion": "ham?"}], "prompt_completion"
    ).rows
    assert learned(llama, row) == " ham?<|im_end|>"


def test_text_is_learned_whole(llama: LoadedModel, write_rows: WriteRows) -> None:
    (row,) = encode(llama, write_rows, [{"text": "See you at 7"}], "text").rows
    assert whole(llama, row) == "See you at 7<|im_end|>"
    assert row.targets[1:].all()


def test_text_has_no_completion_to_learn(llama: LoadedModel, write_rows: WriteRows) -> None:
    with pytest.raises(JobFailed, match="no completion") as failed:
        encode(llama, write_rows, [{"text": "See you"}], "text", loss_on="completion")
    assert failed.value.failure.code == FailureCode.DATASET_INVALID


def test_an_end_of_sequence_inside_a_row_is_learned_though_it_may_pad_elsewhere(
    llama: LoadedModel, write_rows: WriteRows
) -> None:
    tokenizer = llama.tokenizer
    pad, tokenizer.pad_token = tokenizer.pad_token, tokenizer.eos_token
    try:
        (row,) = encode(llama, write_rows, [CHAT], "chat").rows
    finally:
        tokenizer.pad_token = pad
    ends = row.ids == tokenizer.eos_token_id
    assert ends.sum() == 4
    assert (row.targets & ends).sum() == 2


def test_classification_asks_for_the_labels_in_order_of_their_names(
    llama: LoadedModel, write_rows: WriteRows
) -> None:
    rows = [{"text": "Free prize", "label": "spam"}, {"text": "See you", "label": "ham"}]
    first, _ = encode(llama, write_rows, rows, "classification").rows
    assert "user\nClassify this message as ham or spam.\n\nFree prize<|im_end|>" in whole(llama, first)
    assert learned(llama, first) == "spam<|im_end|>"


def test_three_labels_are_listed_with_a_comma_and_an_or(llama: LoadedModel, write_rows: WriteRows) -> None:
    rows = [{"text": "x", "label": label} for label in ("c", "a", "b")]
    assert "Classify this message as a, b or c." in whole(
        llama, encode(llama, write_rows, rows, "classification").rows[0]
    )


def test_a_given_instruction_is_asked_instead(llama: LoadedModel, write_rows: WriteRows) -> None:
    rows = [{"text": "Free prize", "label": "spam"}]
    (row,) = encode(llama, write_rows, rows, "classification", instruction="광고?").rows
    assert "user\n광고?\n\nFree prize<|im_end|>" in whole(llama, row)


@pytest.mark.parametrize("text", ["Free prize, call now! " * 40, "축하합니다 🎁" * 40, "🎁" * 200])
def test_a_long_message_gives_way_to_its_label(exaone: LoadedModel, write_rows: WriteRows, text: str) -> None:
    encoded = encode(
        exaone, write_rows, [{"text": text, "label": "spam"}], "classification", max_seq_length=64
    )
    (row,) = encoded.rows
    assert encoded.truncated == 1
    assert 48 < len(row) <= 64
    assert learned(exaone, row) == "spam[|endofturn|]"


def test_a_long_text_is_split_and_every_token_learned_once(llama: LoadedModel, write_rows: WriteRows) -> None:
    text = "See you at 7. " * 50
    (uncut,) = encode(llama, write_rows, [{"text": text}], "text").rows
    encoded = encode(llama, write_rows, [{"text": text}], "text", max_seq_length=20)
    assert max(map(len, encoded.rows)) == 20
    learned_ids = [token for row in encoded.rows for token in row.ids[row.targets].tolist()]
    assert learned_ids == uncut.ids[1:].tolist()
    counts = encoded.counts
    assert (counts.split, counts.truncated, counts.lost_tokens, counts.skipped) == (1, 0, 0, 0)


def test_a_text_is_cut_on_the_right_if_one_asks_for_it(llama: LoadedModel, write_rows: WriteRows) -> None:
    data = write_rows([{"text": "See you at 7. " * 50}], "text")
    rules = RowRules.of(data, loss_on=None, max_seq_length=20, instruction=None, long_text="cut")
    encoded = encode_dataset(data, rules, llama.tokenizer)
    (row,) = encoded.rows
    assert len(row) == 20
    assert encoded.truncated == 1
    assert encoded.counts.lost_tokens == encoded.counts.tokens - 20


def test_only_text_can_be_split(llama: LoadedModel, write_rows: WriteRows) -> None:
    with pytest.raises(JobFailed, match="format chat can't be split"):
        RowRules.of(
            write_rows([CHAT], "chat"), loss_on=None, max_seq_length=20, instruction=None, long_text="split"
        )


def test_a_row_whose_completion_was_cut_away_is_skipped_and_counted(
    llama: LoadedModel, write_rows: WriteRows
) -> None:
    rows = [{"prompt": "See you. " * 50, "completion": "Yes"}, {"prompt": "See", "completion": " you"}]
    encoded = encode(llama, write_rows, rows, "prompt_completion", max_seq_length=20)
    assert (len(encoded.rows), encoded.skipped) == (1, 1)


def test_nothing_left_to_learn_is_a_failure_that_names_the_knob(
    llama: LoadedModel, write_rows: WriteRows
) -> None:
    rows = [{"prompt": "See you. " * 50, "completion": "Yes"}]
    with pytest.raises(JobFailed) as failed:
        encode(llama, write_rows, rows, "prompt_completion", max_seq_length=20)
    assert failed.value.failure.code == FailureCode.DATASET_INVALID
    assert "max_seq_length" in failed.value.failure.remedy


def test_a_base_model_without_chat_template_is_refused_for_chat(
    llama: LoadedModel, write_rows: WriteRows
) -> None:
    template, llama.tokenizer.chat_template = llama.tokenizer.chat_template, None
    try:
        with pytest.raises(JobFailed, match="no chat template"):
            encode(llama, write_rows, [CHAT], "chat")
    finally:
        llama.tokenizer.chat_template = template


def test_rows_are_recognised_by_their_tokens_targets_and_order(
    llama: LoadedModel, write_rows: WriteRows
) -> None:
    rows: Rows = [{"prompt": "See", "completion": " you"}, {"prompt": "Free", "completion": " prize"}]
    same = {encode(llama, write_rows, rows, "prompt_completion").sha256() for _ in range(2)}
    others = {
        encode(llama, write_rows, rows[::-1], "prompt_completion").sha256(),
        encode(llama, write_rows, rows, "prompt_completion", loss_on="all").sha256(),
    }
    assert len(same) == 1
    assert len(same | others) == 3
