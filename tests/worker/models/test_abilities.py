"""What a model can do is known before its weights are read, and what it can't is said with both numbers."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoModelForImageTextToText, GitConfig

from services.worker.adapters.saved_adapter import open_adapter, with_adapter
from services.worker.failures import Failure, FailureCode, JobFailed
from services.worker.models.families.abilities import outside_language, skeleton_of, trained_linears
from services.worker.models.families.blueprint import choose_blueprint
from services.worker.models.families.fit import longest_row
from services.worker.models.hub.model_places import ModelFiles
from services.worker.models.load import LoadedModel, load_base_model
from services.worker.training.causality import sees_ahead
from services.worker.training.fine_tuning import fine_tune
from shared.job_folder import JobFolder
from shared.schemas.hyperparameters import Hyperparameters, Lora
from shared.schemas.requests import FineTuningRequest
from tests.tiny_models import make_tiny_llama
from tests.worker.models.tiny_families import FAMILIES, ROWS, make_family
from tests.worker.training.tiny_bases import RecordedJob, WriteRows, write_rows

__all__ = ["write_rows"]
CPU = torch.device("cpu")


def load(folder: Path, job: RecordedJob | None = None, *, for_chat: bool = False) -> LoadedModel:
    return load_base_model(
        ModelFiles(folder.name, None, folder, "folder"),
        quantization="nf4",
        dtype=torch.bfloat16,
        device=CPU,
        job=job or RecordedJob(),
        for_chat=for_chat,
    )


def failure_of(folder: Path, *, for_chat: bool = False) -> Failure:
    """How a load fails, before any weight is read."""
    job = RecordedJob()
    with pytest.raises(JobFailed) as failed:
        load(folder, job, for_chat=for_chat)
    assert not {"reading", "loading"} & set(job.stages)
    return failed.value.failure


def change(file: Path, **fields: Any) -> None:
    content = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps({**content, **fields}), encoding="utf-8")


def taken_bytes(model: torch.nn.Module) -> int:
    taken = sum(parameter.numel() * parameter.element_size() for parameter in model.parameters())
    for module in model.modules():
        if (state := getattr(getattr(module, "weight", None), "quant_state", None)) is not None:
            taken += state.absmax.nbytes + state.state2.absmax.nbytes
    return taken


@pytest.mark.filterwarnings("ignore:fan_in_fan_out is set:UserWarning")  # PEFT mends it itself
@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")  # PEFT asks by an old name
@pytest.mark.usefixtures("short_timings")
@pytest.mark.parametrize("family", sorted(FAMILIES.keys() - {"paligemma"}))
def test_every_family_is_known_loaded_and_trained_as_said(
    family: str, tmp_path: Path, write_rows: WriteRows
) -> None:
    folder = make_family(tmp_path / family, family)
    base = load(folder)
    assert base.abilities.loaded_bytes == pytest.approx(taken_bytes(base.model), rel=0.03)
    assert base.abilities.token_rows == ROWS
    rows = [{"prompt": "tell me " * length, "completion": "yes"} for length in (1, 4, 40, 60)]
    hyperparameters = Hyperparameters(max_steps=2, global_batch_size=4, lora=Lora(r=4, alpha=8))
    job = RecordedJob()
    result = fine_tune(
        base,
        FineTuningRequest(dataset="x", hyperparameters=hyperparameters),
        training=write_rows(rows, "prompt_completion"),
        validation=None,
        job_folder=JobFolder(tmp_path / "job"),
        attempt=1,
        checkpoint_seconds=1e9,
        job=job,
    )
    assert result["steps"] == 2
    positions = base.abilities.positions
    assert positions == (64 if family in ("gpt2", "opt", "gpt_neo", "gptj", "mpt") else None)
    assert result["max_seq_length"] == (positions or 512)
    with with_adapter(base, open_adapter(tmp_path / "job" / "adapter", base)):
        pass
    _require_loads_on_the_original(folder, tmp_path / "job" / "adapter")


def _require_loads_on_the_original(folder: Path, adapter: Path) -> None:
    """By PEFT alone, on the checkpoint's own class, every weight of the adapter finds its place."""
    config = json.loads((folder / "config.json").read_text())
    causal = config["architectures"][0].endswith(("ForCausalLM", "LMHeadModel"))
    model = (AutoModelForCausalLM if causal else AutoModelForImageTextToText).from_pretrained(folder)
    adapted = PeftModel.from_pretrained(model, adapter)
    placed = {
        name.replace(".default", ""): parameter
        for name, parameter in adapted.named_parameters()
        if ".lora_" in name
    }
    with safe_open(adapter / "adapter_model.safetensors", "pt") as file:
        assert set(file.keys()) == placed.keys()
        for name in file.keys():  # noqa: SIM118  (a file of safetensors is no dictionary)
            assert torch.equal(file.get_tensor(name), placed[name])


@pytest.mark.parametrize("family", ["gemma3", "qwen2_vl", "llava", "mistral3"])
def test_only_the_language_part_of_a_multimodal_model_is_trained(family: str, tmp_path: Path) -> None:
    job = RecordedJob()
    base = load(make_family(tmp_path / family, family), job)
    assert base.abilities.language_part == "model.language_model"
    assert any("model.language_model, is trained" in message for message in messages(job))
    linears = trained_linears(base.model, base.abilities.outside, base.model.get_output_embeddings())
    paths = [path for path, _ in linears]
    assert paths
    assert all(path.startswith("model.language_model.") for path in paths)


def test_a_tower_within_a_model_of_one_configuration_is_no_language() -> None:
    config = GitConfig(hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32)
    outside = outside_language(skeleton_of(choose_blueprint({**config.to_dict(), "model_type": "git"})))
    assert re.fullmatch(outside, "git.image_encoder.vision_model.encoder.layers.0.self_attn.q_proj")
    assert not re.fullmatch(outside, "git.encoder.layer.0.attention.self.query")


def test_a_model_that_sees_ahead_is_refused(tmp_path: Path, write_rows: WriteRows) -> None:
    """PaliGemma takes text alone for a question, of which it sees all words at once."""
    base = load(make_family(tmp_path / "paligemma", "paligemma"))
    with pytest.raises(JobFailed) as failed:
        fine_tune(
            base,
            FineTuningRequest(dataset="x"),
            training=write_rows([{"prompt": "one", "completion": "two"}] * 4, "prompt_completion"),
            validation=None,
            job_folder=JobFolder(tmp_path / "job"),
            attempt=1,
            checkpoint_seconds=1e9,
            job=RecordedJob(),
        )
    assert failed.value.failure.code == FailureCode.MODEL_UNSUPPORTED
    assert "sees the words that follow" in failed.value.failure.message
    assert not sees_ahead(load(make_family(tmp_path / "mixtral", "mixtral")).model)


def test_experts_are_said_to_be_neither_adapted_nor_quantized(tmp_path: Path) -> None:
    job = RecordedJob()
    base = load(make_family(tmp_path / "mixtral", "mixtral"), job)
    experts = 2 * 4 * 3 * 32 * 64  # layers, experts, matrices of hidden by inner size
    assert base.abilities.whole_weights == experts + 2 * 4 * 32  # and the routers
    assert any(f"{base.abilities.whole_weights:,} of the model's" in message for message in messages(job))


def test_layers_of_an_own_kind_are_counted_at_their_full_size(tmp_path: Path) -> None:
    job = RecordedJob()
    base = load(make_family(tmp_path / "falcon", "falcon"), job)
    assert base.abilities.unquantized_weights > 0
    assert any("can't be quantized to 4 bits" in message for message in messages(job))


@pytest.mark.parametrize(
    ("rotary", "steady"),
    [
        ({"rope_type": "default"}, None),
        ({"rope_type": "linear", "factor": 2.0}, None),
        ({"rope_type": "dynamic", "factor": 2.0}, 2048),
        (
            {"rope_type": "longrope", "short_factor": [1.0] * 8, "long_factor": [2.0] * 8,
             "original_max_position_embeddings": 64},
            64,
        ),
    ],
)  # fmt: skip
def test_positions_that_are_rotated_by_the_longest_row_are_told(
    tmp_path: Path, rotary: dict[str, Any], steady: int | None
) -> None:
    folder = make_tiny_llama(tmp_path)
    change(
        folder / "config.json", max_position_embeddings=2048, rope_parameters={"rope_theta": 1e4, **rotary}
    )
    base = load(folder)
    assert base.abilities.steady_positions == steady
    for wanted in (64, 65, 2048, 2049):
        job = RecordedJob()
        assert longest_row(wanted, base.abilities, job) == wanted
        told = [data for _, data in job.events if data["code"] == "positions_rotated_by_longest"]
        assert bool(told) == (steady is not None and wanted > steady)


def messages(job: RecordedJob) -> list[str]:
    return [message for message, _ in job.events]


def test_tokens_beyond_the_embedding_that_are_needed_are_refused(tmp_path: Path) -> None:
    folder = make_tiny_llama(tmp_path / "m")
    _add_token(folder, "<|hdr|>")
    rows = json.loads((folder / "config.json").read_text())["vocab_size"]
    template = "{% for m in messages %}<|hdr|>{{ m.content }}{% endfor %}"
    change(folder / "tokenizer_config.json", chat_template=template)
    failure = failure_of(folder)
    assert failure.code == FailureCode.MODEL_UNSUPPORTED
    assert (
        f"has 1 token beyond the {rows:,} of the model's embedding, up to number {rows}." in failure.message
    )
    assert f"'<|hdr|>' ({rows})" in failure.message


def test_tokens_beyond_the_embedding_that_nobody_needs_are_told(
    tmp_path: Path, write_rows: WriteRows
) -> None:
    """As with the 1B Gemma 3: its tokenizer has one for images, its embedding has not."""
    folder = make_tiny_llama(tmp_path / "m")
    _add_token(folder, "<image>")
    job = RecordedJob()
    base = load(folder, job)
    assert any("'<image>'" in message for message in messages(job))
    with pytest.raises(JobFailed) as failed:
        fine_tune(
            base,
            FineTuningRequest(dataset="x"),
            training=write_rows(
                [{"prompt": "what is <image>", "completion": "a cat"}] * 4, "prompt_completion"
            ),
            validation=None,
            job_folder=JobFolder(tmp_path / "job"),
            attempt=1,
            checkpoint_seconds=1e9,
            job=RecordedJob(),
        )
    assert failed.value.failure.code == FailureCode.DATASET_INVALID
    assert "the token '<image>', number" in failed.value.failure.message


def _add_token(folder: Path, token: str) -> None:
    content = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    number = 1 + max(max(content["model"]["vocab"].values()), *(t["id"] for t in content["added_tokens"]))
    change(folder / "config.json", vocab_size=number)
    weights = load_file(folder / "model.safetensors")
    weights["model.embed_tokens.weight"] = weights["model.embed_tokens.weight"][:number].clone()
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    added = {**content["added_tokens"][0], "id": number, "content": token}
    content["added_tokens"].append(added)
    (folder / "tokenizer.json").write_text(json.dumps(content), encoding="utf-8")


@pytest.mark.parametrize(
    ("template", "said"),
    [
        (None, "has no chat template"),
        ("{{ messages[0]['content'] + 1 }}", "TypeError"),
        ("{{ messages[0].nothing.there }}", "UndefinedError"),
        ("{% for m in messages %}", "TemplateSyntaxError"),
        ("{{ raise_exception('Only for tools') }}", "Only for tools"),
        ([{"name": "a", "template": "x"}, {"name": "b", "template": "x"}], "2 chat templates ('a' and 'b')"),
        ("", "has no chat template"),
        ("{{ '' }}", "template renders nothing"),
    ],
)
def test_a_template_that_can_not_be_used_is_found_before_the_load(
    tmp_path: Path, template: Any, said: str
) -> None:
    folder = make_tiny_llama(tmp_path / "m", chat_template=False)
    if template is not None:
        change(folder / "tokenizer_config.json", chat_template=template)
    failure = failure_of(folder, for_chat=True)
    assert failure.code == FailureCode.MODEL_UNSUPPORTED
    assert said in failure.message
    load(folder)  # rows of text need none


def test_the_only_ordinary_one_of_several_templates_is_taken(tmp_path: Path) -> None:
    folder = make_tiny_llama(tmp_path / "m", chat_template=False)
    named = [{"name": "chat", "template": "{{ messages[0].content }}"}, {"name": "tool_use", "template": "x"}]
    change(folder / "tokenizer_config.json", chat_template=named)
    assert load(folder, for_chat=True).tokenizer.chat_template == "{{ messages[0].content }}"


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"model_type": "llama", "architectures": ["LlamaForSequenceClassification"], "num_labels": 3},
         "a classifier, whose language head was replaced by one with 3 labels."),
        ({"model_type": "bert", "architectures": ["BertForSequenceClassification"]}, "a classifier"),
        ({"model_type": "exaone", "architectures": ["ExaoneForSequenceClassification"]}, "a classifier"),
        ({"model_type": "bert", "architectures": ["BertForMaskedLM"]}, "an encoder"),
        ({"model_type": "bert", "architectures": ["BertLMHeadModel"]}, "an encoder"),
        ({"model_type": "xlm-roberta", "architectures": ["XLMRobertaModel"]}, "embedding model"),
        ({"model_type": "mistral", "architectures": ["MistralModel"]}, "embedding model"),
        ({"model_type": "t5", "architectures": ["T5ForConditionalGeneration"]}, "an encoder-decoder model"),
        ({"model_type": "bart", "architectures": ["BartForConditionalGeneration"]}, "an encoder-decoder"),
        ({"model_type": "whisper", "architectures": ["WhisperForConditionalGeneration"]}, "encoder-decoder"),
        # Known as language models, too: only the configuration as built tells that these two are none.
        ({"model_type": "bart"}, "an encoder-decoder"),
        ({"model_type": "florence2"}, "an encoder-decoder"),
        ({"model_type": "vit", "architectures": ["ViTModel"]}, "does not load as a language model"),
        ({"_class_name": "UNet2DConditionModel"}, "an image generator"),
        ({"model_type": "brandnew"}, "does not support this language model"),
        ({}, "does not support this language model"),
        ({"model_type": "gemma3", "text_config": {"quantization_config": {"quant_method": "fp8"}}},
         "already quantized with 'fp8'"),
    ],
)  # fmt: skip
def test_what_is_no_language_model_is_told_what_it_is(config: dict[str, Any], said: str) -> None:
    with pytest.raises(JobFailed) as failed:
        choose_blueprint(config)
    assert failed.value.failure.code == FailureCode.MODEL_UNSUPPORTED
    assert said in failed.value.failure.message
    assert failed.value.failure.remedy


def test_shapes_that_differ_are_told_before_the_load_with_both(tmp_path: Path) -> None:
    folder = make_tiny_llama(tmp_path / "m")
    rows = json.loads((folder / "config.json").read_text())["vocab_size"]
    change(folder / "config.json", vocab_size=rows + 8)
    failure = failure_of(folder)
    assert failure.code == FailureCode.MODEL_UNREADABLE
    assert f"'model.embed_tokens.weight' the shape [{rows + 8}, 64]" in failure.message
    assert f"[{rows}, 64]" in failure.message


def test_a_head_that_is_missing_is_told_before_the_load(tmp_path: Path) -> None:
    folder = make_tiny_llama(tmp_path / "m")
    change(folder / "config.json", tie_word_embeddings=False)
    assert "lack. The first is 'lm_head.weight'" in failure_of(folder).message


@pytest.mark.parametrize("pad", [-1, None])
def test_a_tokenizer_without_an_end_takes_the_one_of_the_configuration(
    tmp_path: Path, pad: int | None
) -> None:
    folder = make_tiny_llama(tmp_path / "m")
    tokenizer = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    wanted = tokenizer.pop("eos_token")
    tokenizer.pop("pad_token")
    (folder / "tokenizer_config.json").write_text(json.dumps(tokenizer), encoding="utf-8")
    change(folder / "config.json", pad_token_id=pad)
    assert load(folder).tokenizer.eos_token == wanted
    change(folder / "config.json", eos_token_id=None)
    job = RecordedJob()
    load(folder, job)
    assert any("no end-of-sequence token" in message for message in messages(job))


def rewritten(folder: Path, change_weights: Callable[[dict[str, torch.Tensor]], None]) -> None:
    weights = load_file(folder / "model.safetensors")
    change_weights(weights)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


def test_a_configuration_that_counts_fewer_layers_than_the_weights_is_refused(tmp_path: Path) -> None:
    """transformers leaves the others out and says so only in its log."""
    folder = make_tiny_llama(tmp_path / "m")
    layers = json.loads((folder / "config.json").read_text())["num_hidden_layers"]
    change(folder / "config.json", num_hidden_layers=layers - 1)
    failure = failure_of(folder)
    assert failure.code == FailureCode.MODEL_UNREADABLE
    assert f"'model.layers.{layers - 1}.input_layernorm.weight'" in failure.message


@pytest.mark.parametrize(("kind", "scales"), [(torch.int8, False), (torch.float8_e4m3fn, True)])
def test_quantized_weights_of_which_the_configuration_says_nothing_are_refused(
    tmp_path: Path, kind: torch.dtype, scales: bool
) -> None:
    folder, name = make_tiny_llama(tmp_path / "m"), "model.layers.0.mlp.up_proj.weight"

    def quantize(weights: dict[str, torch.Tensor]) -> None:
        weights[name] = weights[name].to(kind)
        if scales:
            weights[f"{name}_scale_inv"] = torch.ones(1, 1)

    rewritten(folder, quantize)
    failure = failure_of(folder)
    assert failure.code == FailureCode.MODEL_UNSUPPORTED
    assert f"{name!r} as {'F8_E4M3' if scales else 'I8'}" in failure.message


def test_a_configuration_with_a_byte_order_mark_is_read_and_a_web_page_is_told(tmp_path: Path) -> None:
    folder = make_tiny_llama(tmp_path / "m")
    config = folder / "config.json"
    config.write_text("\ufeff" + config.read_text(encoding="utf-8"), encoding="utf-8")
    assert load(folder).tokenizer
    config.write_text("<!DOCTYPE html><html><body>404</body></html>", encoding="utf-8")
    assert "web page" in failure_of(folder).message

    (folder / "config.json").write_text(
        (make_tiny_llama(tmp_path / "other") / "config.json").read_text(), encoding="utf-8"
    )
    (folder / "chat_template.jinja").write_text("<!DOCTYPE html><html></html>", encoding="utf-8")
    assert "chat_template.jinja is not the file" in failure_of(folder).message
