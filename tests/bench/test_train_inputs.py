"""What all arms begin with: the same rows in the same order, the same adapter, and what the cases promise."""

import re
from pathlib import Path

import pytest
import torch
from peft import LoraConfig
from safetensors.torch import load_file
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from bench.sms import NoMessages, joined, read_messages, shuffled
from bench.train_arms.hf import spread, tokens_by_step
from bench.train_arms.job import TrainJob
from bench.train_arms.ours import schedule, token_rows
from bench.train_arms.packs import Packs
from bench.train_arms.token_file import TokenFile
from bench.train_inputs import CAP, CASES, make_rows, make_start, random_rows
from tests.bench.messages import some_messages, write_messages
from tests.tiny_models import make_tiny_llama

MESSAGES = some_messages(80)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_llama(tmp_path_factory.mktemp("models") / "tiny-llama")


@pytest.fixture(scope="module")
def tokenizer(model: Path) -> PreTrainedTokenizerBase:
    loaded: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(model)
    return loaded


def a_job(**changes: object) -> TrainJob:
    fields: dict[str, object] = {
        "arm": "ours-auto", "model": "", "rows": "", "start": "", "scratch": "", "artifacts": "",
        "device": "cpu", "turns": 2, "steps_per_turn": 3, "warm_up_steps": 1, "total_steps": 5,
    }  # fmt: skip
    return TrainJob(**fields | changes)  # type: ignore[arg-type]


def test_rows_come_back_from_their_file_as_they_were(
    tokenizer: PreTrainedTokenizerBase, tmp_path: Path
) -> None:
    made = make_rows(CASES["sms/all"], MESSAGES, tokenizer, seed=0)
    assert TokenFile.read(made.write(tmp_path / "rows.safetensors")) == made


def test_our_sampler_takes_the_rows_in_the_order_that_the_file_has_for_the_others(
    tokenizer: PreTrainedTokenizerBase,
) -> None:
    file = make_rows(CASES["sms/all"], MESSAGES, tokenizer, seed=0)
    ours = schedule(a_job(), len(token_rows(file)))
    assert [row for step in range(5) for row in ours.rows_of(step)] == file.order
    assert sorted(file.order) == list(range(80))


def test_a_row_is_the_question_and_its_label_and_targets_are_all_or_the_answer(
    tokenizer: PreTrainedTokenizerBase,
) -> None:
    for name, learned in (("sms/all", None), ("sms/completion", "spam<|im_end|>")):
        file = make_rows(CASES[name], MESSAGES, tokenizer, seed=0)
        row = next(row for row, message in enumerate(shuffled(MESSAGES)) if message.label == "spam")
        text = tokenizer.decode(file.ids[row])
        assert re.search(r"user\nClassify this message as spam or ham\.\n\nYou won prize", text)
        assert text.rstrip().endswith("assistant\nspam<|im_end|>")
        targets = [token for token, wanted in zip(file.ids[row], file.targets[row], strict=True) if wanted]
        assert tokenizer.decode(targets) == (learned or tokenizer.decode(file.ids[row][1:]))


def test_longer_mixes_have_the_lengths_they_are_named_after(tokenizer: PreTrainedTokenizerBase) -> None:
    medium, full = (
        make_rows(CASES[f"{mix}/all"], MESSAGES, tokenizer, seed=0) for mix in ("mean250", "full512")
    )
    assert medium.tokens / len(medium.ids) == pytest.approx(250, rel=0.03)
    assert min(map(len, full.ids)) > 0.95 * CAP
    assert max(map(len, [*medium.ids, *full.ids])) <= CAP


def test_rows_of_the_short_question_share_five_tokens_and_no_more(
    tokenizer: PreTrainedTokenizerBase,
) -> None:
    file = make_rows(CASES["sms-prefix5/all"], MESSAGES, tokenizer, seed=0)
    assert len({tuple(row[:5]) for row in file.ids}) == 1
    assert len({tuple(row[:6]) for row in file.ids}) > 1


def test_random_rows_share_a_template_and_have_messages_lengths() -> None:
    file = random_rows(4096, 200, seed=0)
    assert len({tuple(row[:40]) for row in file.ids}) == 1
    assert 55 < file.tokens / 200 < 80


def test_the_adapter_start_is_drawn_from_its_seed_and_reads_as_peft_s(model: Path, tmp_path: Path) -> None:
    starts = [make_start(model, tmp_path / name, seed=seed) for name, seed in (("a", 0), ("b", 0), ("c", 1))]
    one, same, other = (load_file(start / "adapter_model.safetensors") for start in starts)
    assert one.keys() == same.keys() == other.keys()
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert not all(torch.equal(one[name], other[name]) for name in one)
    assert all(not weight.any() for name, weight in one.items() if "lora_B" in name)
    config = LoraConfig.from_pretrained(starts[0])
    assert (config.r, config.lora_alpha, config.lora_dropout) == (8, 16, 0.0)
    assert set(config.target_modules) == {"q_proj", "v_proj"}


def test_steps_that_differ_by_design_are_taken_from_all_over_the_epoch() -> None:
    job = a_job(turns=2, steps_per_turn=5, warm_up_steps=1)
    order = spread(list(range(160)), job)
    steps = [order[start] // 16 for start in range(0, len(order), 16)]
    assert steps[1:] == [0, 2, 4, 6, 8, 1, 3, 5, 7, 9]  # warm-up first; both turns over the whole epoch
    file = random_rows(100, 160, seed=0)
    assert tokens_by_step(file, order, job)[1] == sum(len(file.ids[row]) for row in range(16))


def test_messages_are_read_from_a_file_and_joined_by_label(tmp_path: Path) -> None:
    messages = read_messages(write_messages(tmp_path / "sms.tsv", 30))
    assert messages == some_messages(30)
    for row in joined(messages, 200):
        assert len(row.text) >= 200
        assert ("prize" in row.text) == (row.label == "spam")


@pytest.mark.parametrize("line", ["spam You won", "junk\tYou won", ""])
def test_a_line_that_is_no_message_is_named(line: str, tmp_path: Path) -> None:
    path = tmp_path / "sms.tsv"
    path.write_text(f"ham\tHello\n{line}\nham\tBye\n")
    with pytest.raises(NoMessages, match="line 2"):
        read_messages(path)


def test_packs_hold_every_row_once_and_never_overflow() -> None:
    file = random_rows(100, 160, seed=0)
    job = a_job()
    packs = Packs.of(file, job)
    assert sorted(row for pack in packs.rows for row in pack) == list(range(160))
    assert max(packs.tokens) <= CAP
    assert sum(packs.tokens) == file.tokens
    for pack, given in zip(packs.rows, packs.numbered(file), strict=True):
        assert given["attention_mask"] == [place for place, row in enumerate(pack, 1) for _ in file.ids[row]]
        assert given["labels"].count(-100) == len(pack)
        assert len(given["input_ids"]) == len(given["attention_mask"])
    rows, tokens = packs.counts()()
    assert rows / tokens == pytest.approx(160 / file.tokens, rel=0.01)
