"""A base model in memory: frozen, of the dtype asked for, timed, and loaded from checked files only."""

import json
import os
from pathlib import Path
from typing import Any

import bitsandbytes
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import LlamaForCausalLM, core_model_loading

from services.worker.failures import Failure, FailureCode, JobFailed
from services.worker.models.hub.model_places import ModelFiles
from services.worker.models.load import LoadedModel, Quantization, load_base_model
from services.worker.models.reading.phases import PHASES
from services.worker.running_job import JobCancelled, JsonValue, NoJob
from tests.tiny_models import make_tiny_exaone, make_tiny_llama

CPU = torch.device("cpu")


class Notes(NoJob):
    """Keeps what a job reported, in order."""

    def __init__(self) -> None:
        self.stages: list[tuple[str, dict[str, JsonValue]]] = []

    def progress(self, stage: str, **fields: JsonValue) -> None:
        self.stages.append((stage, fields))


def load(
    folder: Path, quantization: Quantization = "none", dtype: torch.dtype = torch.float32, **options: Any
) -> LoadedModel:
    files = ModelFiles("tiny", None, folder, "folder")
    job = options.get("job", NoJob())
    return load_base_model(files, quantization=quantization, dtype=dtype, device=CPU, job=job)


def failure_of(folder: Path) -> Failure:
    with pytest.raises(JobFailed) as failed:
        load(folder)
    assert failed.value.failure.remedy
    return failed.value.failure


def edit_config(folder: Path, **changes: object) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, **changes}))


def test_a_plain_load_equals_transformers_own(tmp_path: Path) -> None:
    folder = make_tiny_llama(tmp_path)
    ids = torch.arange(40).reshape(2, 20)
    base = load(folder)
    with torch.no_grad():
        expected = LlamaForCausalLM.from_pretrained(folder, dtype=torch.float32)(ids).logits
        assert torch.equal(base.model(ids).logits, expected)
    assert base.architecture == "native"
    assert base.weight_bytes == (folder / "model.safetensors").stat().st_size


@pytest.mark.parametrize("quantization", ["nf4", "none"])
def test_every_parameter_is_frozen_and_of_the_dtype_asked_for(
    tmp_path: Path, quantization: Quantization
) -> None:
    base = load(make_tiny_exaone(tmp_path), quantization, torch.bfloat16)
    parameters = dict(base.model.named_parameters())
    assert not any(parameter.requires_grad for parameter in parameters.values())
    assert not base.model.training
    assert base.model.config.use_cache is False
    dtypes = {parameter.dtype for parameter in parameters.values()}
    assert dtypes == ({torch.bfloat16, torch.uint8} if quantization == "nf4" else {torch.bfloat16})
    assert base.model.lm_head.weight is base.model.model.embed_tokens.weight


def test_nf4_is_double_quantized_and_computes_in_the_dtype_asked_for(tmp_path: Path) -> None:
    base = load(make_tiny_llama(tmp_path), "nf4", torch.bfloat16)
    layers = [module for module in base.model.modules() if isinstance(module, bitsandbytes.nn.Linear4bit)]
    assert len(layers) == 2 * 7
    for layer in layers:
        state = layer.weight.quant_state
        assert (state.quant_type, state.nested, layer.compute_dtype) == ("nf4", True, torch.bfloat16)
        assert layer.support_avx512bf16_for_cpu is False


def test_the_weights_do_not_hang_on_the_file_once_loaded(tmp_path: Path) -> None:
    folder = make_tiny_llama(tmp_path)
    base = load(folder)
    ids = torch.arange(20)[None]
    with torch.no_grad():
        before = base.model(ids).logits
        file = folder / "model.safetensors"
        with file.open("r+b") as stream:
            stream.seek(file.stat().st_size // 2)
            stream.write(bytes(file.stat().st_size // 2))
        assert torch.equal(base.model(ids).logits, before)


def test_phases_add_up_and_the_opened_files_are_those_the_kernel_saw(tmp_path: Path) -> None:
    base = load(make_tiny_exaone(tmp_path), "nf4", torch.bfloat16)
    assert tuple(base.phase_seconds) == PHASES
    assert all(base.phase_seconds[phase] > 0 for phase in ("resolve", "deserialize", "quantize", "rest"))
    assert base.phase_seconds["move"] == 0  # nothing moves on the CPU
    assert [file.name for file in base.opened_files] == [
        "model-00001-of-00002.safetensors",
        "model-00002-of-00002.safetensors",
    ]


def test_the_hooks_into_transformers_are_taken_out_again(tmp_path: Path) -> None:
    before = core_model_loading._materialize_copy
    load(make_tiny_llama(tmp_path / "good"))
    bad = make_tiny_llama(tmp_path / "bad")
    edit_config(bad, hidden_size=32)
    failure_of(bad)
    assert core_model_loading._materialize_copy is before
    assert "HF_DEACTIVATE_ASYNC_LOAD" not in os.environ


def test_progress_is_reported_while_loading(tmp_path: Path) -> None:
    notes = Notes()
    load(make_tiny_exaone(tmp_path), job=notes)
    stages = [stage for stage, _ in notes.stages]
    assert stages[0] == "resolving"
    assert "loading" in stages
    last = next(fields for stage, fields in reversed(notes.stages) if stage == "loading")
    assert last["total_bytes"] == sum(file.stat().st_size for file in tmp_path.glob("*.safetensors"))


class CancelWhileLoading(NoJob):
    def progress(self, stage: str, **fields: JsonValue) -> None:
        if stage == "loading":
            raise JobCancelled


@pytest.mark.parametrize("quantization", ["nf4", "none"])
def test_a_cancel_ends_a_load_at_the_next_tensor(tmp_path: Path, quantization: Quantization) -> None:
    with pytest.raises(JobCancelled):
        load(make_tiny_llama(tmp_path), quantization, job=CancelWhileLoading())


def test_a_bin_checkpoint_is_never_opened_here(tmp_path: Path) -> None:
    failure = failure_of(make_tiny_llama(tmp_path, form="bin"))
    assert failure.code == FailureCode.MODEL_REFUSED
    assert "pytorch_model.bin" in failure.message


def test_a_missing_weight_is_an_error_not_a_random_number(tmp_path: Path) -> None:
    folder = make_tiny_exaone(tmp_path)
    edit_config(folder, num_layers=3)
    failure = failure_of(folder)
    assert failure.code == FailureCode.MODEL_UNREADABLE
    assert "that the weight files lack" in failure.message
    assert "layers.2" in failure.message


def test_a_weight_too_many_is_an_error_for_exaone(tmp_path: Path) -> None:
    folder = make_tiny_exaone(tmp_path)
    file = min(folder.glob("*.safetensors"))
    save_file(
        load_file(file) | {"transformer.h.0.extra.weight": torch.ones(4, 4)}, file, metadata={"format": "pt"}
    )
    assert "unexpected" in failure_of(folder).message
    edit_config(folder, num_layers=1)
    assert "does not count" in failure_of(folder).message


@pytest.mark.parametrize("maker", [make_tiny_llama, make_tiny_exaone])
def test_a_weight_of_another_shape_is_an_error(tmp_path: Path, maker: Any) -> None:
    folder = maker(tmp_path)
    edit_config(folder, intermediate_size=96)
    assert failure_of(folder).code == FailureCode.MODEL_UNREADABLE


def test_a_model_that_needs_its_own_code_is_unsupported_and_runs_none(tmp_path: Path) -> None:
    folder = make_tiny_llama(tmp_path)
    marker = tmp_path / "was here"
    (folder / "modeling_own.py").write_text(f"open({str(marker)!r}, 'w')")
    own = {"AutoConfig": "modeling_own.Config", "AutoModelForCausalLM": "modeling_own.Model"}
    edit_config(folder, model_type="own", auto_map=own)
    failure = failure_of(folder)
    assert failure.code == FailureCode.MODEL_UNSUPPORTED
    assert "own code" in failure.message
    edit_config(folder, model_type="llama")
    load(folder)  # known to transformers: its class, not the folder's
    assert not marker.exists()


def test_a_config_cannot_choose_code_or_weights(tmp_path: Path) -> None:
    folder = make_tiny_llama(tmp_path)
    edit_config(
        folder,
        attn_implementation="someone/kernels",
        transformers_weights="../other.safetensors",
        dtype="int8",
    )
    base = load(folder)
    assert base.model.config._attn_implementation == "sdpa"


@pytest.mark.parametrize(
    ("changes", "code", "said"),
    [
        (
            {"model_type": "bert", "architectures": ["BertForMaskedLM"]},
            FailureCode.MODEL_UNSUPPORTED,
            "bert",
        ),
        ({"model_type": None}, FailureCode.MODEL_UNSUPPORTED, "None"),
        ({"quantization_config": {"quant_method": "gptq"}}, FailureCode.MODEL_UNSUPPORTED, "gptq"),
        ({"num_attention_heads": "four"}, FailureCode.MODEL_UNREADABLE, "config.json"),
    ],
)
def test_a_config_that_can_not_be_run_is_explained(
    tmp_path: Path, changes: dict[str, Any], code: FailureCode, said: str
) -> None:
    folder = make_tiny_llama(tmp_path)
    edit_config(folder, **changes)
    failure = failure_of(folder)
    assert failure.code == code
    assert said in failure.message


def test_an_adapter_is_no_base_model(tmp_path: Path) -> None:
    folder = make_tiny_llama(tmp_path)
    (folder / "adapter_config.json").write_text('{"base_model_name_or_path": "someone/else"}')
    failure = failure_of(folder)
    assert failure.code == FailureCode.MODEL_UNSUPPORTED
    assert "adapter" in failure.message


def test_a_checkpoint_already_in_nf4_loads_as_it_is(tmp_path: Path) -> None:
    base = load(make_tiny_llama(tmp_path / "plain"), "nf4", torch.bfloat16)
    base.model.save_pretrained(tmp_path / "nf4")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (tmp_path / "nf4" / name).write_bytes((tmp_path / "plain" / name).read_bytes())
    again = load(tmp_path / "nf4", "nf4", torch.bfloat16)
    ids = torch.arange(20)[None]
    with torch.no_grad():
        assert torch.equal(again.model(ids).logits, base.model(ids).logits)
    layer = again.model.model.layers[0].mlp.up_proj
    assert layer.support_avx512bf16_for_cpu is False
