"""A further family that runs under another one's names needs a description of it and nothing else."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from services.worker.adapters.adapter_folder import base_facts, folder_names
from services.worker.models.families import renamed
from services.worker.models.families.exaone import EXAONE
from services.worker.models.hub.model_places import ModelFiles
from services.worker.models.load import LoadedModel, load_base_model
from services.worker.running_job import NoJob
from shared import renamed_families
from shared.job_folder import ADAPTERS
from tests.tiny_models import make_tiny_exaone

TWIN = replace(EXAONE, model_type="twin", names=replace(EXAONE.names, architecture="twin"))


def loaded(folder: Path) -> LoadedModel:
    return load_base_model(
        ModelFiles("tiny", None, folder, "folder"),
        quantization="none",
        dtype=torch.float32,
        device=torch.device("cpu"),
        job=NoJob(),
        for_chat=True,
    )


def test_a_second_renamed_family_is_loaded_and_named_by_its_description(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(renamed, "FAMILIES", (EXAONE, TWIN))
    folder = make_tiny_exaone(tmp_path, chat_template=False)
    ids = torch.arange(12)[None]
    with torch.no_grad():
        expected = loaded(folder).model(ids).logits
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "model_type": "twin"}))
    twin = loaded(folder)
    with torch.no_grad():
        assert torch.equal(twin.model(ids).logits, expected)
    assert twin.tokenizer.chat_template == EXAONE.chat_template
    assert base_facts(twin)["architecture"] == "twin"
    assert sorted(folder_names(twin)) == sorted(ADAPTERS) == ["adapter", "adapter-llama"]


def test_its_names_are_found_by_what_a_manifest_calls_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(renamed_families, "RENAMED_FAMILIES", (EXAONE.names, TWIN.names))
    assert renamed_families.names_of("twin") == TWIN.names
    assert renamed_families.names_of("exaone") == EXAONE.names
    assert renamed_families.names_of("native") is None
