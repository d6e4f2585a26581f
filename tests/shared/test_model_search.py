"""What a model's name is found to mean, and what a refusal says of what was tried."""

from pathlib import Path

import pytest

from shared.errors import ModelUnknown, ModelUnusable
from shared.messages.catalog import add_language
from shared.messages.render import reader_of
from shared.model_search import NotFoundHere, check_base_model, find_model, similar_names
from shared.settings import DEMO_MODEL
from tests.shared.messages.made_up import LANGUAGE, left_over, made_up_language


@pytest.fixture
def models(tmp_path: Path) -> tuple[Path, ...]:
    """The models folder with `tiny` and `LGAI-EXAONE/EXAONE-Tiny`, and the folder of prepared ones."""
    for name in ("tiny", "LGAI-EXAONE/EXAONE-Tiny"):
        folder = tmp_path / "models" / name
        folder.mkdir(parents=True)
        (folder / "config.json").write_text("{}")
        (folder / "model.safetensors").write_bytes(b"")
    (tmp_path / "data/models").mkdir(parents=True)
    return (tmp_path / "models", tmp_path / "data/models")


def refusal(name: str, models: tuple[Path, ...]) -> str:
    with pytest.raises((ModelUnknown, ModelUnusable)) as refused:
        check_base_model(name, models)
    assert refused.value.param == "model"
    return refused.value.message


def test_folders_go_before_the_demo_and_the_hub(models: tuple[Path, ...]) -> None:
    assert find_model("tiny", models).folder == models[0] / "tiny"
    assert find_model("LGAI-EXAONE/EXAONE-Tiny", models).folder == models[0] / "LGAI-EXAONE/EXAONE-Tiny"
    assert find_model("LGAI-EXAONE/EXAONE-3.5", models).place == "hub"
    assert find_model(DEMO_MODEL, models).place == "demo"
    (models[0] / DEMO_MODEL).mkdir()
    (models[0] / DEMO_MODEL / "config.json").write_text("{}")
    assert find_model(DEMO_MODEL, models).place == "folder"


def test_what_the_search_refuses_is_never_among_what_it_offers(models: tuple[Path, ...]) -> None:
    for name in ("a (1)", ".hidden", "org/모델", "x y/z"):
        (models[0] / name).mkdir(parents=True)
        (models[0] / name / "config.json").write_text("{}")
        (models[0] / name / "model.safetensors").write_bytes(b"")
    said = refusal("nothing-like-it", models)
    for name in ("a (1)", "org/모델", "x y/z", "tiny"):
        assert name in said
        check_base_model(name, models)
    assert ".hidden" not in said


@pytest.mark.parametrize(
    ("name", "named"),
    [
        ("models/tiny", "tiny"),
        ("./models/tiny", "tiny"),
        ("./tiny", "tiny"),
        ("tiny/", "tiny"),
        ("models\\tiny", "tiny"),
        ("C:\\models\\tiny", "tiny"),
        ("{models}/tiny", "tiny"),
        ("{models}/LGAI-EXAONE/EXAONE-Tiny", "LGAI-EXAONE/EXAONE-Tiny"),
        ("models/LGAI-EXAONE/EXAONE-Tiny", "LGAI-EXAONE/EXAONE-Tiny"),
        ("Tiny", "tiny"),
        ("EXAONE-Tiny", "LGAI-EXAONE/EXAONE-Tiny"),
        ("exaone_tiny", "LGAI-EXAONE/EXAONE-Tiny"),
        ("tyni", "tiny"),
        (DEMO_MODEL.lower().replace("-", "_"), DEMO_MODEL),
        ("https://hub.example/org/name", "org/name"),
        ("https://hub.example/org/name/tree/main", "org/name"),
    ],
)
def test_a_slip_is_answered_with_the_name_that_is_meant(
    models: tuple[Path, ...], name: str, named: str
) -> None:
    said = refusal(name.format(models=models[0]), models)
    offered = said.partition("These are here: ")[2]
    assert f"Use the name '{named}'." in said or f"Did you mean {named}?" in said or named in offered


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("tyni", "has no folder of that name, and no model of that name was prepared here."),
        ("/etc/passwd", "This is a path"),
        ("~/tiny", "This is a path"),
        ("a/b/c", "at most one slash"),
        ("org/../name", "at most one slash"),
        ("../tiny", "begin with a dot"),
        ("notes.txt", "is a file, and a model is a folder"),
        ("ft:tiny:x:abc", "is a fine-tuned model"),
    ],
)
def test_a_refusal_says_why_by_the_rule_that_refused(models: tuple[Path, ...], name: str, said: str) -> None:
    (models[0] / "notes.txt").write_text("")
    assert said in refusal(name, models)


def test_nothing_is_told_of_files_outside_the_models_folder(models: tuple[Path, ...], tmp_path: Path) -> None:
    there = tmp_path / "secret"
    there.write_text("")
    assert refusal(str(there), models) == refusal(str(there) + "x", models).replace("secretx", "secret")


def test_a_folder_that_cannot_be_a_base_is_refused_for_that(models: tuple[Path, ...]) -> None:
    (models[0] / "org/adapter").mkdir(parents=True)
    (models[0] / "org/adapter/adapter_config.json").write_text('{"base_model_name_or_path": "org/base"}')
    assert "an adapter of the base model org/base" in refusal("org/adapter", models)
    with pytest.raises(NotFoundHere) as refused:
        find_model("org/adapter", models)
    assert refused.value.lack == "model_unsupported"
    (models[0] / "bare").mkdir()
    (models[0] / "bare/config.json").write_text("{}")
    assert "has no weights" in refusal("bare", models)
    check_base_model("bare", models, to_load=False)  # a diagnosis tells of it


def test_names_that_are_alike_are_few_and_the_likeliest_first() -> None:
    present = ["org/SmolLM2-135M", "smollm2_135m", "SmolLM2-1.7B", "qwen"]
    assert similar_names("SmolLM2-135M", present)[0] in present[:2]
    assert set(similar_names("SmolLM2-135M", present)) >= set(present[:2])
    assert "qwen" not in similar_names("SmolLM2-135M", present)


@pytest.mark.parametrize("name", ["tiny", "nothing", "/etc", "a/b/c", "adapter", "ft:x"])
def test_of_a_refusal_in_another_language_only_values_are_left(models: tuple[Path, ...], name: str) -> None:
    (models[0] / "adapter").mkdir()
    (models[0] / "adapter/adapter_config.json").write_text('{"base_model_name_or_path": "base"}')
    (models[0] / "tiny/config.json").rename(models[0] / "tiny/x")
    (models[0] / "tiny/model.safetensors").unlink()
    add_language(LANGUAGE, made_up_language())
    try:
        with reader_of(LANGUAGE):
            said = refusal(name, models)
    finally:
        add_language(LANGUAGE, "")
    values = {name, "x.", "base", str(models[0]), "LGAI-EXAONE/EXAONE-Tiny", "kaj", f"{DEMO_MODEL}."}
    assert "⟪" in said
    assert set(left_over(said).split()) <= values  # "kaj" is the language's "and"
