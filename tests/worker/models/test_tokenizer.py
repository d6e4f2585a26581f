"""A tokenizer cuts text exactly as its tokenizer.json says, whatever class the model names."""

import json
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from services.worker.failures import FailureCode, JobFailed
from services.worker.models.families import tokenizer
from services.worker.models.families.tokenizer import load_tokenizer
from services.worker.models.files.model_folder import read_json
from tests.tiny_models import make_tiny_exaone, make_tiny_llama

TEXTS = [
    "축하합니다! 2024년 12월 31일까지 1,000원",
    unicodedata.normalize("NFD", "한글 메시지입니다"),
    "ＦＲＥＥ entry… call ① now\u00a0㎏",
    "plain text 80082",
]


def loaded(folder: Path) -> Any:
    return load_tokenizer(folder, read_json(folder / "config.json"))


def edit(folder: Path, file: str, **changes: object) -> None:
    content = json.loads((folder / file).read_text())
    (folder / file).write_text(json.dumps({**content, **changes}))


@pytest.mark.parametrize("maker", [make_tiny_exaone, make_tiny_llama])
@pytest.mark.parametrize("text", TEXTS)
def test_ids_are_those_of_tokenizer_json(tmp_path: Path, maker: Any, text: str) -> None:
    folder = maker(tmp_path)
    written = Tokenizer.from_file(str(folder / "tokenizer.json"))
    assert loaded(folder)(text)["input_ids"] == written.encode(text).ids


def test_a_llama_folder_that_names_a_rebuilding_class_keeps_its_rules_too(tmp_path: Path) -> None:
    """The trap is real: transformers' own choice loses the normalizer here."""
    folder = make_tiny_exaone(tmp_path)
    edit(folder, "config.json", model_type="llama", auto_map={})
    text = TEXTS[1]
    written = Tokenizer.from_file(str(folder / "tokenizer.json")).encode(text).ids
    careless = AutoTokenizer.from_pretrained(folder)
    assert careless(text)["input_ids"] != written
    assert loaded(folder)(text)["input_ids"] == written


def test_special_tokens_and_template_survive(tmp_path: Path) -> None:
    special = loaded(make_tiny_exaone(tmp_path))
    assert (special.eos_token, special.pad_token, special.eos_token_id) == ("[|endofturn|]", "[PAD]", 3)
    assert special.chat_template
    assert special("[|endofturn|]")["input_ids"] == [3]


def test_a_missing_pad_token_becomes_the_end_of_sequence(tmp_path: Path) -> None:
    folder = make_tiny_llama(tmp_path)
    edit(folder, "tokenizer_config.json", pad_token=None)
    padded = loaded(folder)
    assert padded.pad_token == "<|im_end|>"


def test_a_tokenizer_class_of_the_models_own_is_not_needed(tmp_path: Path) -> None:
    folder = make_tiny_llama(tmp_path)
    marker = tmp_path / "was here"
    (folder / "tokenization_own.py").write_text(f"open({str(marker)!r}, 'w')")
    own = {"AutoTokenizer": ["tokenization_own.OwnTokenizer", None]}
    edit(folder, "tokenizer_config.json", tokenizer_class="OwnTokenizer", auto_map=own)
    assert isinstance(loaded(folder), PreTrainedTokenizerFast)
    assert not marker.exists()


def test_a_folder_without_tokenizer_says_what_it_needs(tmp_path: Path) -> None:
    folder = make_tiny_llama(tmp_path)
    (folder / "tokenizer.json").unlink()
    with pytest.raises(JobFailed) as failed:
        loaded(folder)
    assert failed.value.failure.code in (FailureCode.MODEL_UNREADABLE, FailureCode.MODEL_UNSUPPORTED)
    assert "tokenizer.json" in failed.value.failure.remedy


@pytest.mark.parametrize("content", ["", "{", "{}", '{"model": {"type": "Evil"}}'])
def test_a_damaged_tokenizer_is_unreadable(tmp_path: Path, content: str) -> None:
    folder = make_tiny_exaone(tmp_path)
    (folder / "tokenizer.json").write_text(content)
    with pytest.raises(JobFailed) as failed:
        loaded(folder)
    assert failed.value.failure.code == FailureCode.MODEL_UNREADABLE


def test_a_library_that_panics_over_a_file_has_an_unreadable_file(tmp_path: Path) -> None:
    folder = make_tiny_llama(tmp_path)
    edit(folder, "tokenizer.json", normalizer={"type": "Precompiled", "precompiled_charsmap": "AAAA"})
    with pytest.raises(JobFailed) as failed:
        loaded(folder)
    assert failed.value.failure.code == FailureCode.MODEL_UNREADABLE


def test_more_added_tokens_than_anybody_needs_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_tiny_llama(tmp_path)
    loaded(folder)
    monkeypatch.setattr(tokenizer, "MOST_ADDED_TOKENS", 2)
    with pytest.raises(JobFailed, match="adds 3 tokens"):
        loaded(folder)
