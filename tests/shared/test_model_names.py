"""What a model may be called."""

from pathlib import Path

import pytest

from shared.errors import ModelUnknown
from shared.jobs import new_job_id
from shared.model_names import (
    check_base_model,
    fine_tuned_model_id,
    job_id_of,
    model_folder,
    model_folder_names,
)


def test_a_fine_tuned_model_leads_back_to_its_job() -> None:
    job_id = new_job_id("fine_tuning")
    name = fine_tuned_model_id("LGAI-EXAONE/EXAONE-3.5-2.4B-Instruct", "spam", job_id)
    assert name == f"ft:EXAONE-3.5-2.4B-Instruct:spam:{job_id[6:]}"
    assert job_id_of(name) == job_id


@pytest.mark.parametrize("name", ["SmolLM2", "ft:", "ft:a:b", "ft:a:b:c:d", "ft:a:b:../x", "ft:a:b:c\n"])
def test_other_names_lead_to_no_job(name: str) -> None:
    assert job_id_of(name) is None


def test_only_plain_names_are_looked_up_as_folders(tmp_path: Path) -> None:
    (tmp_path / "models" / "tiny").mkdir(parents=True)
    folders = (tmp_path / "models",)
    assert model_folder("tiny", folders) == tmp_path / "models" / "tiny"
    for name in ("..", ".", "../models", "/etc", "tiny/", "a/../tiny", "tiny\0", ""):
        assert model_folder(name, folders) is None


def test_an_unknown_model_is_answered_with_what_there_is(tmp_path: Path) -> None:
    (tmp_path / "tiny").mkdir()
    (tmp_path / "tiny" / "config.json").write_text("{}")
    check_base_model("tiny", (tmp_path,))
    check_base_model("org/name", (tmp_path,))
    for name in ("tyni", "../tiny", "/etc/passwd", "org/../name", "ft:tiny:x:abc"):
        with pytest.raises(ModelUnknown) as refused:
            check_base_model(name, (tmp_path,))
        assert refused.value.param == "model"
    with pytest.raises(ModelUnknown, match="tiny"):
        check_base_model("tyni", (tmp_path,))


def test_copies_that_the_worker_keeps_are_no_models_of_their_own(tmp_path: Path) -> None:
    for name, manifest in (("own", None), ("demo", "{}"), ("quantized", '{"kind": "nf4"}'), ("torn", "{")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").write_text("{}")
        if manifest:
            (tmp_path / name / "manifest.json").write_text(manifest)
    assert model_folder_names((tmp_path,)) == ["demo", "own", "torn"]
