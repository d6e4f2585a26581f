"""EXAONE runs through the Llama classes exactly, learns in nf4, and keeps its chat format."""

from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig, get_peft_model

from services.worker.failures import FailureCode, JobFailed
from services.worker.models.families import exaone
from services.worker.models.hub.model_places import ModelFiles, ModelPlaces
from services.worker.models.hub.resolve import resolve_model
from services.worker.models.load import LoadedModel, Quantization, load_base_model
from services.worker.running_job import NoJob
from shared.messages.message import Message
from shared.messages.render import in_english
from tests.tiny_models import WeightsForm, exaone_config, make_tiny_exaone, make_tiny_llama
from tests.worker.models.exaone_reference import load_reference

# PEFT asks transformers by an old name.
pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")

CPU = torch.device("cpu")


def loaded(
    models: Path,
    name: str,
    data: Path,
    quantization: Quantization = "none",
    dtype: torch.dtype = torch.float32,
) -> LoadedModel:
    files = resolve_model(name, None, ModelPlaces(models, data), job=NoJob())
    return load_base_model(files, quantization=quantization, dtype=dtype, device=CPU, job=NoJob())


def some_ids(vocabulary: int, rows: int = 2, length: int = 48) -> torch.Tensor:
    return torch.randint(vocabulary, (rows, length), generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("form", ["safetensors", "bin"])
@pytest.mark.parametrize("tied", [True, False])
def test_logits_equal_an_independent_reference(tmp_path: Path, form: WeightsForm, tied: bool) -> None:
    folder = make_tiny_exaone(tmp_path / "models" / "exaone", form=form, tied=tied)
    base = loaded(tmp_path / "models", "exaone", tmp_path / "data")
    ids = some_ids(base.model.config.vocab_size)
    with torch.no_grad():
        ours, reference = base.model(ids).logits, load_reference(folder)(ids)
    assert base.architecture == "exaone"
    assert reference.std() > 0.1
    assert (ours - reference).abs().max() <= 1e-5


def test_the_reference_notices_two_swapped_matrices(tmp_path: Path) -> None:
    folder = make_tiny_exaone(tmp_path / "exaone")
    reference = load_reference(folder)
    ids = some_ids(64)
    with torch.no_grad():
        before = reference(ids)
        mlp: Any = reference.get_submodule("transformer.h.0.mlp")
        mlp.c_fc_0, mlp.c_fc_1 = mlp.c_fc_1, mlp.c_fc_0
        assert (reference(ids) - before).abs().max() > 1e-2


def test_positions_beyond_the_original_window_agree_too(tmp_path: Path) -> None:
    folder = make_tiny_exaone(tmp_path / "models" / "exaone")
    base = loaded(tmp_path / "models", "exaone", tmp_path / "data")
    ours = base.model.model.rotary_emb.inv_freq
    attention: Any = load_reference(folder).get_submodule("transformer.h.0.attn.attention")
    assert torch.allclose(ours, attention.frequencies, rtol=1e-6)


def test_nf4_steps_reduce_the_loss_even_after_an_evaluation(tmp_path: Path) -> None:
    make_tiny_exaone(tmp_path / "models" / "exaone")
    base = loaded(tmp_path / "models", "exaone", tmp_path / "data", "nf4", torch.bfloat16)
    ids = some_ids(base.model.config.vocab_size)
    with torch.no_grad():
        base.model(ids)  # on some CPUs this repacks weights unless that is turned off
    adapted = get_peft_model(base.model, LoraConfig(r=8, lora_alpha=16, target_modules="all-linear"))
    adapted.train()
    optimizer = torch.optim.AdamW((p for p in adapted.parameters() if p.requires_grad), lr=1e-2)
    losses = []
    for _ in range(8):
        loss = adapted(input_ids=ids, labels=ids).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
        adapted.eval()
        with torch.no_grad():
            adapted(ids)
        adapted.train()
    first = adapted.base_model.model.model.layers[0].mlp.up_proj.lora_B["default"].weight
    assert losses[-1] < losses[0] - 0.5
    assert first.abs().max() > 0  # gradients reach the lowest layer


def test_the_chat_format_is_exaones_with_an_empty_system_turn(tmp_path: Path) -> None:
    make_tiny_exaone(tmp_path / "models" / "exaone", chat_template=False)
    base = loaded(tmp_path / "models", "exaone", tmp_path / "data")
    messages = [
        {"role": "user", "content": "Spam or ham?"},
        {"role": "assistant", "content": "ham"},
        {"role": "user", "content": "And now?"},
    ]
    text = base.tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    assert text == (
        "[|system|][|endofturn|]\n[|user|]Spam or ham?\n[|assistant|]ham[|endofturn|]\n[|user|]And now?\n"
        "[|assistant|]"
    )


def test_a_system_message_stands_where_the_empty_one_would(tmp_path: Path) -> None:
    make_tiny_exaone(tmp_path / "models" / "exaone", chat_template=False)
    tokenizer = loaded(tmp_path / "models", "exaone", tmp_path / "data").tokenizer
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}]
    text = tokenizer.apply_chat_template(messages, tokenize=False)
    assert text == "[|system|]Be brief.[|endofturn|]\n[|user|]Hi\n"


@pytest.mark.parametrize(
    ("change", "code", "said"),
    [
        ({"num_layers": None}, FailureCode.MODEL_UNREADABLE, "num_layers"),
        ({"activation_function": "gelu"}, FailureCode.MODEL_UNSUPPORTED, "gelu"),
    ],
)
def test_a_config_that_is_not_exaones_is_refused(
    change: dict[str, Any], code: FailureCode, said: str
) -> None:
    with pytest.raises(JobFailed) as failed:
        exaone.llama_config({**exaone_config(512), **change})
    assert failed.value.failure.code == code
    assert said in failed.value.failure.message


def test_both_layouts_of_the_rotary_settings_mean_the_same() -> None:
    old = exaone_config(512)
    new = {name: value for name, value in old.items() if name not in ("rope_theta", "rope_scaling")}
    new["rope_parameters"] = {"rope_theta": 1000000.0, **old["rope_scaling"]}
    assert exaone.llama_config(old).rope_parameters == exaone.llama_config(new).rope_parameters


class Events(NoJob):
    def __init__(self) -> None:
        self.messages: list[str] = []

    def event(self, message: str | Message, **_: Any) -> None:
        self.messages.append(in_english(message))


def test_the_licence_is_shown_for_exaone_alone(tmp_path: Path) -> None:
    make_tiny_exaone(tmp_path / "exaone")
    make_tiny_llama(tmp_path / "llama")
    told: dict[str, list[str]] = {}
    for name in ("exaone", "llama"):
        job = Events()
        resolve_model(name, None, ModelPlaces(tmp_path, tmp_path / "data"), job=job)
        told[name] = job.messages
    assert told["llama"] == []
    assert len(told["exaone"]) == 1
    assert "no commercial use" in told["exaone"][0]


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("quantization", ["nf4", "none"])
def test_a_cuda_device_computes_what_the_cpu_does(tmp_path: Path, quantization: Quantization) -> None:
    files = ModelFiles("tiny", None, make_tiny_exaone(tmp_path), "folder")
    ids = some_ids(64)

    def on(device: torch.device) -> LoadedModel:
        return load_base_model(
            files, quantization=quantization, dtype=torch.float32, device=device, job=NoJob()
        )

    here, there = on(CPU), on(torch.device("cuda"))
    with torch.no_grad():
        expected, computed = here.model(ids).logits, there.model(ids.cuda()).logits.cpu()
    assert there.phase_seconds["move"] > 0
    assert {parameter.device.type for parameter in there.model.parameters()} == {"cuda"}
    assert torch.allclose(computed, expected, atol=1e-3)
