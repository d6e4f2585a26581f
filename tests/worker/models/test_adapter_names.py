"""An adapter trained on EXAONE-as-Llama works on the original tree under the original names."""

import json
from pathlib import Path
from typing import Any, get_args

import pytest
import torch
import torch.nn.functional as F
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file

from services.api.job_routes import AdapterQuery
from services.worker.adapters.adapter_names import write_original_adapter
from services.worker.failures import FailureCode, JobFailed
from services.worker.models.families.exaone import MODULE_NAMES
from services.worker.models.families.renamed import FAMILIES
from services.worker.models.hub.model_places import ModelFiles
from services.worker.models.load import load_base_model
from services.worker.running_job import NoJob
from shared.exaone_names import EXAONE_NAMES
from shared.family_names import UnknownModule
from shared.renamed_families import RENAMED_FAMILIES, RUN_UNDER
from tests.tiny_models import make_tiny_exaone
from tests.worker.models.exaone_reference import load_reference

# PEFT asks transformers by an old name.
pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")

REPOSITORY, COMMIT = "LGAI-EXAONE/EXAONE-3.5-2.4B-Instruct", "e949c91dec92095908d34e6b560af77dd0c993f8"


def llama_adapter(tmp_path: Path, **options: Any) -> tuple[Path, Path, torch.Tensor, torch.Tensor]:
    """A tiny EXAONE, an adapter PEFT saved on its Llama form, ids, and the logits with that adapter."""
    folder = make_tiny_exaone(tmp_path / "exaone")
    base = load_base_model(
        ModelFiles("exaone", None, folder, "folder"),
        quantization="none",
        dtype=torch.float32,
        device=torch.device("cpu"),
        job=NoJob(),
    )
    ids = torch.randint(base.model.config.vocab_size, (2, 24), generator=torch.Generator().manual_seed(2))
    settings = {"r": 4, "lora_alpha": 8, "target_modules": "all-linear", **options}
    adapted = get_peft_model(base.model, LoraConfig(**settings)).eval()
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for name, weight in adapted.named_parameters():
            if "lora_" in name:
                weight.copy_(0.1 * torch.randn(weight.shape, generator=generator))
        logits = adapted(ids).logits
    adapted.save_pretrained(tmp_path / "adapter-llama", save_embedding_layers=False)
    return folder, tmp_path / "adapter-llama", ids, logits


def test_peft_loads_the_adapter_on_the_original_tree_and_computes_the_same(tmp_path: Path) -> None:
    folder, saved, ids, expected = llama_adapter(tmp_path)
    write_original_adapter(EXAONE_NAMES, saved, tmp_path / "adapter", base_name=REPOSITORY, revision=COMMIT)
    with torch.no_grad():
        plain = load_reference(folder)(ids)
        original = PeftModel.from_pretrained(load_reference(folder), tmp_path / "adapter")(ids)
    assert (plain - expected).abs().max() > 0.1  # the adapter does something
    assert (original - expected).abs().max() <= 1e-5


def test_the_exported_adapter_differs_by_exactly_zero_from_its_definition(tmp_path: Path) -> None:
    """On the original tree: PEFT with our export, against y + 2 B(Ax) with the weights as PEFT saved them."""
    folder, saved, ids, _ = llama_adapter(tmp_path)
    write_original_adapter(EXAONE_NAMES, saved, tmp_path / "adapter", base_name=REPOSITORY, revision=COMMIT)
    by_hand = load_reference(folder)
    weights = load_file(saved / "adapter_model.safetensors")
    for original, llama in MODULE_NAMES.items():
        for layer in "01":
            key = f"base_model.model.{llama.replace('.N.', f'.{layer}.')}.lora_{{}}.weight"
            if key.format("A") in weights:
                module = by_hand.get_submodule(original.replace(".N.", f".{layer}."))
                down, up = weights[key.format("A")], weights[key.format("B")]
                module.register_forward_hook(
                    lambda _, x, y, down=down, up=up: y + F.linear(F.linear(x[0], down), up) * 2
                )
    with torch.no_grad():
        expected = by_hand(ids)
        original_tree = PeftModel.from_pretrained(load_reference(folder), tmp_path / "adapter")(ids)
    assert (original_tree - expected).abs().max() == 0


def test_weights_keep_their_values_and_get_the_original_names(tmp_path: Path) -> None:
    _, saved, _, _ = llama_adapter(tmp_path)
    write_original_adapter(EXAONE_NAMES, saved, tmp_path / "adapter", base_name=REPOSITORY, revision=COMMIT)
    llama = load_file(saved / "adapter_model.safetensors")
    ours = load_file(tmp_path / "adapter" / "adapter_model.safetensors")
    assert len(ours) == len(llama) == 2 * 7 * 2
    pair = ("model.layers.1.mlp.down_proj.lora_A", "transformer.h.1.mlp.c_proj.lora_A")
    before, after = (f"base_model.model.{name}.weight" for name in pair)
    assert torch.equal(llama[before], ours[after])
    assert all(name.startswith("base_model.model.transformer.h.") for name in ours)


def test_the_config_names_the_original_modules_base_and_revision(tmp_path: Path) -> None:
    names = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
    patterns = {"rank_pattern": {"o_proj": 2}, "alpha_pattern": {"layers.0.mlp.up_proj": 4}}
    _, saved, _, _ = llama_adapter(tmp_path, target_modules=names, **patterns)
    write_original_adapter(EXAONE_NAMES, saved, tmp_path / "adapter", base_name=REPOSITORY, revision=COMMIT)
    config = json.loads((tmp_path / "adapter" / "adapter_config.json").read_text())
    assert config["target_modules"] == [
        "c_fc_0",
        "c_fc_1",
        "c_proj",
        "k_proj",
        "out_proj",
        "q_proj",
        "v_proj",
    ]
    assert config["rank_pattern"] == {"out_proj": 2}
    assert config["alpha_pattern"] == {"h.0.mlp.c_fc_1": 4}
    assert (config["base_model_name_or_path"], config["revision"]) == (REPOSITORY, COMMIT)
    assert config["peft_type"] == "LORA"


def test_every_module_of_the_mapping_goes_back_to_its_own_name() -> None:
    for family in FAMILIES:
        for original, run in family.module_names.items():
            path = run.replace(".N.", ".17.")
            assert family.names.original_path(path) == original.replace(".N.", ".17.")


def test_the_worker_can_run_every_family_whose_names_are_known() -> None:
    assert [family.names for family in FAMILIES] == list(RENAMED_FAMILIES)
    assert {"original", *RUN_UNDER} == set(get_args(AdapterQuery.model_fields["names"].annotation))


@pytest.mark.parametrize(
    "key",
    [
        "base_model.model.model.layers.0.block_sparse_moe.gate.lora_A.weight",
        "model.layers.0.mlp.up_proj.lora_A.weight",
        "base_model.model.lora_A.weight",
    ],
)
def test_an_unknown_name_is_refused_rather_than_dropped(key: str) -> None:
    with pytest.raises(UnknownModule):
        EXAONE_NAMES.original_key(key)


def test_an_adapter_with_an_unknown_name_is_not_written(tmp_path: Path) -> None:
    saved = tmp_path / "adapter-llama"
    saved.mkdir()
    key = "base_model.model.model.layers.0.block_sparse_moe.gate.lora_A.weight"
    save_file({key: torch.zeros(2, 2)}, saved / "adapter_model.safetensors")
    (saved / "adapter_config.json").write_text("{}")
    with pytest.raises(JobFailed) as failed:
        write_original_adapter(EXAONE_NAMES, saved, tmp_path / "adapter")
    assert failed.value.failure.code == FailureCode.ADAPTER_INVALID


def test_a_pattern_of_modules_becomes_the_names_it_matched(tmp_path: Path) -> None:
    saved = tmp_path / "adapter-llama"
    saved.mkdir()
    key = "base_model.model.model.layers.0.self_attn.o_proj.lora_{}.weight"
    save_file({key.format(side): torch.zeros(2, 2) for side in "AB"}, saved / "adapter_model.safetensors")
    config = {"peft_type": "LORA", "target_modules": r".*\.(o_proj|nothing)", "base_model_name_or_path": "x"}
    (saved / "adapter_config.json").write_text(json.dumps(config))
    write_original_adapter(EXAONE_NAMES, saved, tmp_path / "adapter")
    written = json.loads((tmp_path / "adapter" / "adapter_config.json").read_text())
    assert written["target_modules"] == ["out_proj"]
    assert written["base_model_name_or_path"] == "x"
