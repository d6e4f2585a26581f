"""What is skipped, cut, left out or written otherwise is counted and said."""

from datetime import UTC, datetime
from typing import Any

import pytest
from tokenizers import normalizers

from services.worker.failures import FailureCode, JobFailed
from services.worker.text.chat_template import ChatTemplate
from services.worker.text.row_counts import RowCounts
from services.worker.text.row_lines import row_lines
from services.worker.text.row_rules import RowRules
from services.worker.text.rows import TokenRows, encode_dataset
from shared.messages.document import in_sentences
from shared.messages.render import render
from shared.schemas.fields import RowFormat
from tests.worker.text.families import CHATML, FAMILIES, LLAMA_2, PARTS, Family, tokenizer_of
from tests.worker.text.test_targets import chat
from tests.worker.training.tiny_bases import Rows, WriteRows

BY_NAME = {family.name: family for family in FAMILIES}
NO_END = Family(
    "no end",
    "{%- for m in messages -%}{{- ('User: ' if m.role == 'user' else 'Bot: ') + m.content + '\\n' -}}"
    "{%- endfor -%}{%- if add_generation_prompt -%}{{- 'Bot: ' -}}{%- endif -%}",
    ("<s>", "</s>"),
    "</s>",
    "</s>",
    "<s>",
)
IGNORES_SYSTEM = Family(
    "ignores system",
    "{%- for m in messages if m.role != 'system' -%}"
    "{{- '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>\\n' -}}{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\\n' -}}{%- endif -%}",
    ("<|im_start|>", "<|im_end|>"),
    "<|im_end|>",
    "<|im_end|>",
)
REFUSED = 'The chat template refuses the conversation: "System role not supported".'
TOOLS = "{%- if tools -%}{{- tools | tojson -}}{%- endif -%}"
WEATHER = {"type": "function", "function": {"name": "weather", "description": "of today", "parameters": {}}}


def encoded(
    family: Family, write_rows: WriteRows, rows: Rows, format: RowFormat = "chat", **rules: Any
) -> tuple[TokenRows, RowRules]:
    data = write_rows(rows, format)
    settings = {"loss_on": None, "max_seq_length": 512, "instruction": None, **rules}
    made = RowRules.of(data, **settings)
    return encode_dataset(data, made, tokenizer_of(family)), made


def learned(family: Family, rows: TokenRows) -> list[str]:
    decode = tokenizer_of(family).decode
    return [str(decode(row.ids[row.targets].tolist())) for row in rows.rows]


def codes(rows: TokenRows, rules: RowRules) -> list[str]:
    return [line.code for line in row_lines(rows.counts, rules)]


def test_an_end_is_learned_where_the_template_writes_none(write_rows: WriteRows) -> None:
    rows, rules = encoded(NO_END, write_rows, [{"messages": chat("안녕", "그래.", "왜?", "몰라.")}])
    assert [text.strip() for text in learned(NO_END, rows)] == ["그래.</s>", "몰라.</s>"]
    assert [row.ids.tolist().count(tokenizer_of(NO_END).eos_token_id) for row in rows.rows] == [1, 1]
    assert codes(rows, rules) == ["rows_unrolled", "end_appended"]


def test_an_end_that_nobody_has_is_told(write_rows: WriteRows) -> None:
    tokenizer = tokenizer_of(NO_END)
    tokenizer.eos_token = None
    try:
        rows, rules = encoded(NO_END, write_rows, [{"messages": chat("안녕", "그래.")}])
    finally:
        tokenizer.eos_token = "</s>"
    assert [text.strip() for text in learned(NO_END, rows)] == ["그래."]
    assert codes(rows, rules) == ["no_end_to_learn"]


def test_an_answer_that_brings_its_end_gets_no_second_one(write_rows: WriteRows) -> None:
    rows, rules = encoded(NO_END, write_rows, [{"messages": chat("안녕", "그래.</s>")}])
    assert [text.strip() for text in learned(NO_END, rows)] == ["그래.</s>"]
    assert codes(rows, rules) == []


def test_a_system_message_that_the_template_ignores_is_told(write_rows: WriteRows) -> None:
    rows, rules = encoded(IGNORES_SYSTEM, write_rows, [{"messages": chat("a", "b", system="짧게.")}] * 3)
    (line,) = row_lines(rows.counts, rules)
    assert (line.code, line.data["rows"], line.level) == ("system_not_written", 3, "warn")
    assert rows.counts.as_result()["unwritten"] == {"system": 3}


def test_tools_that_the_template_drops_are_told(write_rows: WriteRows) -> None:
    rows, rules = encoded(BY_NAME["ChatML"], write_rows, [{"messages": chat("a", "b"), "tools": [WEATHER]}])
    assert codes(rows, rules) == ["tools_not_written"]


def test_tools_are_given_to_the_template(write_rows: WriteRows) -> None:
    with_tools = Family(
        "tools", TOOLS + CHATML, ("<|im_start|>", "<|im_end|>"),
        "<|im_end|>", "<|im_end|>",
    )  # fmt: skip
    rows, rules = encoded(with_tools, write_rows, [{"messages": chat("a", "b"), "tools": [WEATHER]}])
    assert '"name": "weather"' in str(tokenizer_of(with_tools).decode(rows.rows[0].ids.tolist()))
    assert codes(rows, rules) == []


def test_rows_that_the_template_refuses_are_counted_with_its_reason(write_rows: WriteRows) -> None:
    gemma = BY_NAME["Gemma"]
    rows, rules = encoded(
        gemma, write_rows, [{"messages": chat("a", "b")}, {"messages": chat("a", "b", system="c")}]
    )
    (skipped,) = in_sentences(rows.counts.as_result())["skipped_reasons"]
    assert (skipped["reason"], skipped["rows"]) == (REFUSED, 1)
    (line,) = row_lines(rows.counts, rules)
    assert render(line.message) == f"1 of 2 rows is skipped. 1 row: {REFUSED}"


def test_a_turn_that_the_template_refuses_does_not_take_the_others_with_it(write_rows: WriteRows) -> None:
    messages = [*chat("a", "b"), {"role": "assistant", "content": "c"}]
    rows, rules = encoded(BY_NAME["Mistral Nemo"], write_rows, [{"messages": messages}])
    assert learned(BY_NAME["Mistral Nemo"], rows) == ["b</s>"]
    assert codes(rows, rules) == ["turns_refused"]
    beside = [{"messages": [*messages[1:2], *messages[:1]]}] * 2  # the assistant begins: refused whole
    rows, rules = encoded(BY_NAME["Mistral Nemo"], write_rows, [{"messages": messages}, *beside])
    assert codes(rows, rules) == ["rows_skipped", "turns_refused"]
    rows, _ = encoded(BY_NAME["Mistral Nemo"], write_rows, [{"messages": messages}])
    assert rows.counts.as_result()["refused_turns"][0]["turns"] == 1


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ("{% if messages[0].content == 'a' %}{{ 'a' + 1 }}{% endif %}" + CHATML, "TypeError"),
        ("{% if messages[0].content == 'a' %}{{ raise_exception('No.') }}{% endif %}" + CHATML, "No."),
        ("{% if messages[0].content == 'a' %}{{ ''.nothing.more }}{% endif %}" + CHATML, "no attribute"),
        ("no words", "does not write the assistant's words"),
        (
            "{% for m in messages %}{{ m.content | upper }}{% endfor %}",
            "does not write the assistant's words",
        ),
    ],
)
def test_a_job_without_rows_fails_with_the_templates_reason(
    write_rows: WriteRows, template: str, reason: str
) -> None:
    family = Family(template, template, ("<s>", "</s>"), "", "</s>")
    with pytest.raises(JobFailed, match=reason) as failed:
        encoded(family, write_rows, [{"messages": chat("a", "words")}] * 2)
    assert failed.value.failure.code == FailureCode.DATASET_INVALID
    assert "None of the 2 rows" in failed.value.failure.message
    assert "max_seq_length" not in failed.value.failure.remedy


def test_the_share_of_tokens_and_answers_that_a_cut_costs_is_told(write_rows: WriteRows) -> None:
    chatml = BY_NAME["ChatML"]
    long = chat("a", "b", "왜? " * 100, "몰라.", "c", "d")
    rows, rules = encoded(
        chatml, write_rows, [{"messages": long}, {"messages": chat("a", "b")}], max_seq_length=64
    )
    counts = rows.counts
    assert (counts.truncated, counts.answers, counts.lost_answers, counts.cut_answers) == (1, 4, 2, 0)
    assert counts.lost_tokens == counts.tokens - sum(map(len, rows.rows))
    (line,) = row_lines(counts, rules)
    assert "2 of 4 answers (50%) are not learned at all." in render(line.message)
    assert f"Raise max_seq_length to {counts.longest}, which holds the longest row" in render(line.message)
    whole, _ = encoded(chatml, write_rows, [{"messages": long}], max_seq_length=counts.longest)
    assert whole.counts.lost_answers == whole.counts.lost_tokens == 0


def test_what_keeps_texts_whole_is_told_where_they_are_cut(write_rows: WriteRows) -> None:
    rows, rules = encoded(
        BY_NAME["ChatML"], write_rows, [{"text": "왜? " * 100}], "text", max_seq_length=64, long_text="cut"
    )
    assert "let long texts be split (long_text: split)" in " ".join(
        render(line.message) for line in row_lines(rows.counts, rules)
    )


def test_an_answer_that_loses_its_end_is_counted(write_rows: WriteRows) -> None:
    rows, _ = encoded(
        BY_NAME["ChatML"], write_rows, [{"messages": chat("a", "왜? " * 100)}], max_seq_length=64
    )
    assert (rows.counts.lost_answers, rows.counts.cut_answers) == (0, 1)


def test_special_tokens_in_a_text_are_not_doubled(write_rows: WriteRows) -> None:
    llama = Family("bos and eos", LLAMA_2, ("<s>", "</s>"), " </s>", "</s>", "<s>", adds_bos=True)
    tokenizer = tokenizer_of(llama)
    texts = ["<s>[INST] 수도는? [/INST] 서울이야.</s>", "수도는 서울이야.", "서울이야.</s>\n"]
    rows, rules = encoded(llama, write_rows, [{"text": text} for text in texts], "text")
    for row in rows.rows:
        ids = row.ids.tolist()
        assert (ids[0], ids.count(tokenizer.bos_token_id), ids.count(tokenizer.eos_token_id)) == (
            tokenizer.bos_token_id, 1, 1,
        )  # fmt: skip
    assert codes(rows, rules) == ["own_special_tokens"]
    pairs = [{"prompt": "<s>[INST] 수도는? [/INST]", "completion": " 서울이야.</s>"}]
    rows, _ = encoded(llama, write_rows, pairs, "prompt_completion")
    assert learned(llama, rows) == [" 서울이야.</s>"]
    assert rows.rows[0].ids.tolist().count(tokenizer.bos_token_id) == 1


def test_prompts_and_completions_of_a_model_to_talk_to_get_a_hint(write_rows: WriteRows) -> None:
    pairs = [{"prompt": "수도는?", "completion": " 서울이야."}]
    rows, rules = encoded(BY_NAME["ChatML"], write_rows, pairs, "prompt_completion")
    (line,) = row_lines(rows.counts, rules)
    assert (line.code, line.level, line.data["rows"]) == ("no_chat_template_applied", "warn", 1)
    assert 'If you want to chat with the model, give `"format": "chat"`.' in render(line.message)


def test_an_empty_thought_before_the_answers_is_told(write_rows: WriteRows) -> None:
    rows, rules = encoded(BY_NAME["EXAONE-Deep"], write_rows, [{"messages": chat("a", "b")}])
    assert codes(rows, rules) == ["thoughts_closed"]
    labelled = [{"text": "a", "label": "spam"}]
    rows, rules = encoded(BY_NAME["EXAONE-Deep"], write_rows, labelled, "classification")
    assert learned(BY_NAME["EXAONE-Deep"], rows) == ["spam[|endofturn|]"]
    assert codes(rows, rules) == ["thoughts_closed"]


def test_thoughts_are_kept_or_left_out_as_the_run_was_decided(write_rows: WriteRows) -> None:
    """An adapter trained without thoughts is evaluated without, whatever the rows say."""
    row = {"messages": chat("a", "<think>\nhm\n</think>\n\nb")}
    rows, rules = encoded(BY_NAME["Qwen3"], write_rows, [row])
    assert rules.thinking
    assert learned(BY_NAME["Qwen3"], rows) == ["<think>\nhm\n</think>\n\nb<|im_end|>"]
    rows, rules = encoded(BY_NAME["Qwen3"], write_rows, [row], thinking=False)
    assert learned(BY_NAME["Qwen3"], rows) == ["b<|im_end|>"]
    assert codes(rows, rules) == ["thoughts_not_written"]


def test_content_in_parts_is_written_for_templates_that_want_it(write_rows: WriteRows) -> None:
    parts = Family("parts", PARTS, ("<|im_start|>", "<|im_end|>"), "<|im_end|>", "<|im_end|>")
    rows, _ = encoded(parts, write_rows, [{"messages": chat("수도는?", "서울이야.")}])
    assert learned(parts, rows) == ["서울이야.<|im_end|>"]
    assert "수도는?" in str(tokenizer_of(parts).decode(rows.rows[0].ids.tolist()))


def test_a_date_is_the_one_it_was_given(write_rows: WriteRows) -> None:
    rows = [{"messages": chat("a", "b")}]
    llama, dates = BY_NAME["Llama 3.x"], (datetime(2025, 3, 1, tzinfo=UTC), datetime(2025, 3, 2, tzinfo=UTC))
    first, again, later = (
        encoded(llama, write_rows, rows, now=now)[0] for now in (dates[0], dates[0], dates[1])
    )
    assert "Today Date: 01 Mar 2025" in str(tokenizer_of(llama).decode(first.rows[0].ids.tolist()))
    assert first.sha256() == again.sha256() != later.sha256()


def test_counts_come_back_from_json_as_they_were(write_rows: WriteRows) -> None:
    rows, _ = encoded(IGNORES_SYSTEM, write_rows, [{"messages": chat("a", "b", system="c")}])
    assert RowCounts.of(rows.counts.as_dict()) == rows.counts


def test_an_answer_with_a_character_that_the_tokenizer_lacks_is_refused(write_rows: WriteRows) -> None:
    """It would learn the unknown token in its place."""
    small = Family("small", CHATML, ("<|im_start|>", "<|im_end|>"), "<|im_end|>", "<|im_end|>", pieces=True)
    tokenizer = tokenizer_of(small)
    tokenizer.backend_tokenizer.model.byte_fallback = False
    try:
        rows, rules = encoded(
            small, write_rows, [{"messages": chat("a", "water")}, {"messages": chat("a", "water 🎁")}]
        )
    finally:
        tokenizer.backend_tokenizer.model.byte_fallback = True
    assert learned(small, rows) == ["water<|im_end|>"]
    (line,) = row_lines(rows.counts, rules)
    assert "no token for a character that is to be learned" in render(line.message)


def test_characters_that_the_tokenizer_writes_otherwise_are_told(write_rows: WriteRows) -> None:
    composing = Family("nfkc", CHATML, ("<|im_start|>", "<|im_end|>"), "<|im_end|>", "<|im_end|>")
    tokenizer = tokenizer_of(composing)
    tokenizer.backend_tokenizer.normalizer = normalizers.NFKC()
    try:
        rows, rules = encoded(composing, write_rows, [{"messages": chat("a", "서울 ① e\u0301")}])
    finally:
        tokenizer.backend_tokenizer.normalizer = None
    assert learned(composing, rows) == ["서울 1 é<|im_end|>"]
    (line,) = row_lines(rows.counts, rules)
    assert (line.code, line.level, line.data) == ("characters_changed", "info", {"rows": 1})


def test_all_of_an_unrolled_conversation_is_learned_but_not_again_what_a_row_before_said(
    write_rows: WriteRows,
) -> None:
    r1 = BY_NAME["DeepSeek-R1 distill"]
    rows, _ = encoded(r1, write_rows, [{"messages": chat("하나?", "일.", "둘?", "이.")}], loss_on="all")
    first, second = learned(r1, rows)
    closed = "<think>\n\n</think>\n\n"
    end = "<｜end▁of▁sentence｜>"
    assert first == f"<｜User｜>하나?<｜Assistant｜>{closed}일.{end}"
    assert second == f"일.{end}<｜User｜>둘?<｜Assistant｜>{closed}이.{end}"


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("strftime_now(format='%d %b %Y')", "01 Mar 2025"),
        ("strftime_now('%d ' ~ '%b %Y, %H:%M')", "01 Mar 2025, 09:30"),
        ("strftime_now(form)", "1 March 2025"),
    ],
)
def test_a_date_is_written_as_the_template_asks_for_it_however_it_asks(written: str, told: str) -> None:
    dated = Family(
        written, "{% set form = '%-d %B %Y' %}{{ " + written + " }}" + CHATML, ("<|im_end|>",),
        "<|im_end|>", "<|im_end|>",
    )  # fmt: skip
    template = ChatTemplate.of(tokenizer_of(dated), now=datetime(2025, 3, 1, 9, 30, tzinfo=UTC))
    assert template.render(chat("a", "b")).startswith(f"{told}<|im_start|>user")


@pytest.mark.parametrize("always", [True, False])
def test_the_opening_of_the_next_turn_is_no_end_to_learn(write_rows: WriteRows, always: bool) -> None:
    """A template without an end token, whose next special token opens somebody's turn."""
    opening = "{{- '<|im_start|>assistant\\n' -}}"
    opened = Family(
        f"opens {always}",
        "{%- for m in messages -%}{{- '<|im_start|>' + m.role + '\\n' + m.content + '\\n' -}}{%- endfor -%}"
        + (opening if always else "{%- if add_generation_prompt -%}" + opening)
        + ("" if always else "{%- else -%}{{- '<|im_start|>user\\n' -}}{%- endif -%}"),
        ("<|im_start|>", "</s>"),
        "</s>",
        "</s>",
    )
    rows, rules = encoded(opened, write_rows, [{"messages": chat("안녕", "그래.", "왜?", "몰라.")}])
    assert learned(opened, rows) == ["그래.</s>", "몰라.</s>"]
    assert codes(rows, rules) == ["rows_unrolled", "end_appended"]


def test_an_answer_of_which_the_tokenizer_makes_nothing_is_refused(write_rows: WriteRows) -> None:
    """It would teach the model to say nothing, or fail where the template writes no end."""
    for name, template in (("dropping", CHATML), ("dropping, no end", NO_END.template)):
        family = Family(name, template, ("<|im_start|>", "<|im_end|>"), "<|im_end|>", "<|im_end|>")
        tokenizer = tokenizer_of(family)
        tokenizer.backend_tokenizer.normalizer = normalizers.Replace("\u200b", "")
        rows, _ = encoded(
            family, write_rows, [{"messages": chat("a", "water")}, {"messages": chat("a", "\u200b")}]
        )
        assert [text.strip() for text in learned(family, rows)] == ["water<|im_end|>"]
        assert rows.counts.skipped == 1


def test_words_that_the_template_writes_around_an_answer_are_told(write_rows: WriteRows) -> None:
    """They are not the row's: the model must write those before an answer, and learns those after it."""
    framed = Family(
        "framed",
        "{%- for m in messages -%}{%- set own = m.role == 'assistant' -%}"
        "{{- '<|im_start|>' + m.role + '\\n' + ('Answer: ' if own else '') + m.content -}}"
        "{{- (' (by AI)' if own else '') + '<|im_end|>\\n' -}}{%- endfor -%}"
        "{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\\n' -}}{%- endif -%}",
        ("<|im_start|>", "<|im_end|>"),
        "<|im_end|>",
        "<|im_end|>",
    )
    rows, rules = encoded(framed, write_rows, [{"messages": chat("a", "b")}])
    assert [text.strip() for text in learned(framed, rows)] == ["b (by AI)<|im_end|>"]
    lines = {line.code: line.data for line in row_lines(rows.counts, rules)}
    assert lines == {
        "words_before_answers": {"words": "Answer:"},
        "words_after_answers": {"words": "(by AI)"},
    }


def test_a_thought_in_other_tags_than_the_templates_is_told(write_rows: WriteRows) -> None:
    deep = BY_NAME["EXAONE-Deep"]
    rows, rules = encoded(deep, write_rows, [{"messages": chat("a", "<think>\nhm\n</think>\n\nb")}])
    (line,) = row_lines(rows.counts, rules)
    assert (line.code, line.data["turns"]) == ("thoughts_in_other_tags", 1)
    assert learned(deep, rows) == ["<think>\nhm\n</think>\n\nb[|endofturn|]"]


def without_bytes(name: str, *, unknown: str | None) -> Family:
    """A tokenizer of few letters, which writes `unknown` for all others, or leaves them out."""
    family = Family(name, CHATML, ("<|im_start|>", "<|im_end|>"), "<|im_end|>", "<|im_end|>", pieces=True)
    model = tokenizer_of(family).backend_tokenizer.model
    model.byte_fallback, model.unk_token = False, unknown
    return family


@pytest.mark.parametrize("unknown", ["<unk>", None])
def test_characters_without_a_token_are_neither_learned_nor_passed_over(
    write_rows: WriteRows, unknown: str | None
) -> None:
    family = without_bytes(f"letters {unknown}", unknown=unknown)
    chats = [chat("water 🎁🎁", "sky"), chat("water", "sky"), chat("water", "sky 🎁")]
    rows, rules = encoded(family, write_rows, [{"messages": messages} for messages in chats])
    assert learned(family, rows) == ["sky<|im_end|>"] * 2
    lines = {line.code: line for line in row_lines(rows.counts, rules)}
    assert lines["characters_unknown"].data["characters"] >= 2
    assert "no token for a character that is to be learned" in render(lines["rows_skipped"].message)


@pytest.mark.parametrize("unknown", ["<unk>", None])
def test_a_text_does_not_teach_the_unknown_token(write_rows: WriteRows, unknown: str | None) -> None:
    family = without_bytes(f"texts {unknown}", unknown=unknown)
    texts = ["The sky is 🎁 blue.", "The sky is blue.", "is 🎁🎁🎁🎁"]
    rows, rules = encoded(family, write_rows, [{"text": text} for text in texts], "text")
    assert "<unk>" not in "".join(learned(family, rows))
    lines = {line.code: line for line in row_lines(rows.counts, rules)}
    assert lines["characters_unknown"].data["rows"] == 2
    assert lines["characters_unknown"].data["characters"] == 5 or not unknown


def test_a_text_of_unknown_characters_alone_is_refused(write_rows: WriteRows) -> None:
    family = without_bytes("unknown alone", unknown="<unk>")
    rows, rules = encoded(family, write_rows, [{"text": "🎁🎁🎁"}, {"text": "The sky is blue."}], "text")
    assert rows.counts.used == 1
    lines = {line.code: line for line in row_lines(rows.counts, rules)}
    assert "no token for a character that is to be learned" in render(lines["rows_skipped"].message)


def test_reasons_that_an_earlier_version_kept_with_the_rows_are_told_as_they_are() -> None:
    counts = RowCounts.of({"seen": 3, "used": 2, "made": 2, "skipped_reasons": {"no token to learn": 1}})
    (skipped,) = in_sentences(counts.as_result())["skipped_reasons"]
    assert (skipped["reason"], skipped["rows"]) == ("no token to learn", 1)
    (line,) = row_lines(counts, RowRules("chat", "completion", 64))
    assert render(line.message) == "1 of 3 rows is skipped. 1 row: no token to learn"


def test_an_answer_whose_tokens_lie_elsewhere_is_refused(write_rows: WriteRows) -> None:
    """A tokenizer that leaves characters out may tell wrong places for those that follow."""
    header = "<|im_start|>" + "🎁" * 8
    shifted = (
        f"{{%- for m in messages -%}}{{{{- '{header}' + m.content + '<|im_end|>' -}}}}{{%- endfor -%}}"
        f"{{%- if add_generation_prompt -%}}{{{{- '{header}' -}}}}{{%- endif -%}}"
    )
    family = Family(
        "shifted", shifted, ("<|im_start|>", "<|im_end|>"), "<|im_end|>", "<|im_end|>", pieces=True
    )
    model = tokenizer_of(family).backend_tokenizer.model
    model.byte_fallback, model.unk_token = False, None
    with pytest.raises(JobFailed, match="do not decode to the answer's words"):
        encoded(
            family,
            write_rows,
            [{"messages": chat("What is blue?", "The sky is blue. Water boils at a hundred degrees.")}],
        )


def test_a_long_row_is_ticked_from_within(write_rows: WriteRows, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.worker.text.rows.BREATH_SECONDS", -1.0)
    data = write_rows([{"messages": chat(*["왜?", "몰라."] * 20)}], "chat")
    rules = RowRules.of(data, loss_on=None, max_seq_length=512, instruction=None)
    ticks: list[int] = []
    encode_dataset(data, rules, tokenizer_of(BY_NAME["ChatML"]), ticks.append)
    assert ticks[0] == 0
    assert ticks.count(1) > 2
