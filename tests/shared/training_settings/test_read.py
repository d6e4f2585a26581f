"""A user's file of settings, of three tools, becomes the same settings that the tool would run with."""

import json
import time
from typing import Any

import pytest

from shared.errors import InvalidField
from shared.messages.render import in_english
from shared.schemas.hyperparameters import Lora
from shared.training_settings.outcome import ReadSettings, SettingsKind
from shared.training_settings.read import given_settings, read_settings
from shared.training_settings.settings import TrainingSettings
from tests.shared.training_settings.examples import AXOLOTL, HF, LLAMA_FACTORY

BESIDE = {"padding": "max_length", "max_seq_length": 512}
LORA_LF = "finetuning_type: lora\n"
LORA_AX = "adapter: lora\nlora_r: 8\nlora_alpha: 16\nlora_target_linear: true\nlearning_rate: 1e-4\n"


def read(text: str, **given: Any) -> ReadSettings:
    return read_settings(text, given=given)


def refusal(text: str, **given: Any) -> InvalidField:
    with pytest.raises(InvalidField) as refused:
        read(text, **given)
    return refused.value


def test_training_arguments_are_read_with_old_names_and_new() -> None:
    found = read(HF, **BESIDE)
    assert found.kind == "training_arguments"
    assert found.settings == TrainingSettings(
        gradient_checkpointing=True, use_reentrant=False, padding="max_length", max_seq_length=512,
        per_device_train_batch_size=2, gradient_accumulation_steps=8, learning_rate=2e-4,
        lr_scheduler_type="cosine", warmup_steps=0.03, num_train_epochs=2, optim="paged_adamw_8bit",
        precision="bf16", eval_strategy="steps", eval_steps=0.1, save_strategy="no", lora=Lora(),
    )  # fmt: skip
    assert found.differs == ()
    assert {one.key for one in found.ignored} == {
        "output_dir", "report_to", "push_to_hub", "hub_token", "logging_steps"
    }  # fmt: skip
    assert "hf_secret" not in found.model_dump_json()


def test_a_llama_factory_file_is_read_with_its_own_defaults() -> None:
    found = read(LLAMA_FACTORY)
    assert found.kind == "llama_factory"
    assert found.settings == TrainingSettings(
        per_device_train_batch_size=1, gradient_accumulation_steps=8, gradient_checkpointing=True,
        use_reentrant=True, padding="longest", max_seq_length=1024, loss_on="completion",
        dataloader_num_workers=4, dataloader_pin_memory=True, optim="adamw_torch_fused", learning_rate=1e-4,
        lr_scheduler_type="cosine", warmup_steps=0.1, num_train_epochs=3, precision="bf16",
        lora=Lora(r=16, alpha=32, dropout=0, target_modules=["q_proj", "v_proj"]),
        eval_strategy="steps", eval_steps=500, per_device_eval_batch_size=1, save_steps=200,
    )  # fmt: skip
    assumed = {one.field: one.value for one in found.assumed}
    assert assumed["gradient_checkpointing"] is True
    assert (assumed["lora.alpha"], assumed["padding"], assumed["quantization"]) == (32, "longest", "nf4")
    assert found.differs == ()


def test_an_axolotl_file_is_read_with_its_own_names_and_defaults() -> None:
    found = read(AXOLOTL)
    assert found.kind == "axolotl"
    assert found.settings == TrainingSettings(
        per_device_train_batch_size=2, gradient_accumulation_steps=4, gradient_checkpointing=True,
        use_reentrant=False, padding="max_length", max_seq_length=2048, loss_on="completion",
        dataloader_num_workers=1, dataloader_pin_memory=True, optim="adamw_torch", learning_rate=2e-4,
        lr_scheduler_type="constant_with_warmup", warmup_steps=10, num_train_epochs=4, precision="bf16",
        lora=Lora(r=32, alpha=16, dropout=0.05), eval_strategy="steps", eval_steps=1 / 16,
        per_device_eval_batch_size=2, save_strategy="steps", save_steps=0.25,
    )  # fmt: skip
    assert found.differs == ()
    reasons = {one.key: in_english(one.reason) for one in found.ignored}
    assert reasons["datasets"] == "It describes the rows, which the request gives."
    assert "wandb_project" not in reasons  # it is null


def test_without_a_file_the_common_recipe_stands_for_what_is_not_given() -> None:
    found = given_settings({"per_device_train_batch_size": 4, "optim": "adamw_torch"})
    assert (found.kind, found.differs, found.assumed) == (None, (), ())
    assert (found.settings.rows_per_step, found.settings.padding) == (32, "max_length")
    assert given_settings({}).differs == ()
    assert [one.field for one in given_settings({"optim": "lion_8bit"}).differs] == ["optim"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cutoff_len: 64\ndisable_gradient_checkpointing: true", {"gradient_checkpointing": False}),
        ("cutoff_len: 64\ndisable_gradient_checkpointing: false", {"gradient_checkpointing": True}),
        ("cutoff_len: 64\nuse_reentrant_gc: false", {"use_reentrant": False}),
        ("cutoff_len: 64\nbf16: false", {"precision": "fp32"}),
        ("cutoff_len: 64\nfp16: yes", {"precision": "fp16", "bnb_4bit_compute_dtype": "float16"}),
        ("cutoff_len: 64\npure_bf16: true", {"precision": "bf16"}),
        ("cutoff_len: 64\nquantization_bit: 8", {"quantization": "int8"}),
        ("cutoff_len: 64\nquantization_bit: 4\nquantization_type: fp4", {"quantization": "fp4"}),
        ("cutoff_len: 64", {"quantization": None, "padding": "longest", "num_train_epochs": 3}),
        ("cutoff_len: 64\nneat_packing: true", {"padding": "packing"}),
        ("stage: pt", {"padding": "packing", "loss_on": "all", "max_seq_length": 2048}),
        ("stage: pt\npacking: false", {"padding": "longest"}),
        ("cutoff_len: 64\ngroup_by_length: true", {"padding": "group_by_length"}),
        ("cutoff_len: 64\ntrain_sampling_strategy: group_by_length", {"padding": "group_by_length"}),
        ("cutoff_len: 64\ntrain_on_prompt: true", {"loss_on": "all"}),
        ("cutoff_len: 64\nlora_rank: 4", {"lora": Lora(r=4, alpha=8)}),
        ("cutoff_len: 64\nlora_rank: 4\nlora_alpha: 2", {"lora": Lora(r=4, alpha=2)}),
        ("cutoff_len: 64\nwarmup_steps: 20\nwarmup_ratio: 0.1", {"warmup_steps": 20}),
        ("cutoff_len: 64\nwarmup_steps: 0\nwarmup_ratio: 0.1", {"warmup_steps": 0.1}),
        ("cutoff_len: 64\neval_strategy: no", {"eval_strategy": "no"}),
        ("cutoff_len: 64\neval_strategy: steps", {"eval_strategy": "steps", "eval_steps": 500}),
        ("cutoff_len: 64\neval_strategy: steps\nlogging_steps: 7", {"eval_steps": 7}),
        ("cutoff_len: 64\nlearning_rate: 2e-4", {"learning_rate": 2e-4}),
        ("cutoff_len: 64\nlearning_rate: '2e-4'", {"learning_rate": 2e-4}),
        ("cutoff_len: 010", {"max_seq_length": 10}),
        ("cutoff_len: 1_024", {"max_seq_length": 1024}),
        ("cutoff_len: 64\nlora_rank: 0x10", {"lora": Lora(r=16, alpha=32)}),
    ],
)
def test_a_key_of_llama_factory_means_what_it_means_there(text: str, expected: dict[str, Any]) -> None:
    settings = read(f"{LORA_LF}{text}\n").settings
    assert {name: getattr(settings, name) for name in expected} == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", {"padding": "longest", "max_seq_length": 512, "lr_scheduler_type": "cosine",
              "num_train_epochs": 1, "warmup_steps": 0.03, "most_warmup_steps": 100,
              "gradient_checkpointing": False, "quantization": None, "precision": "bf16",
              "dataloader_num_workers": 1, "per_device_train_batch_size": 1, "save_strategy": "epoch"}),
        ("batch_size: 16\nmicro_batch_size: 2", {"gradient_accumulation_steps": 8}),
        ("sample_packing: true", {"padding": "packing"}),
        ("group_by_length: true", {"padding": "group_by_length"}),
        ("pad_to_sequence_len: false", {"padding": "longest"}),
        ("bf16: false", {"precision": "fp32"}),
        ("bf16: auto\nfp16: true", {"precision": "fp16"}),
        ("bf16: full", {"precision": "bf16"}),
        ("float32: true", {"precision": "fp32"}),
        ("load_in_8bit: true", {"quantization": "int8"}),
        ("load_in_4bit: true\nbnb_config_kwargs: {bnb_4bit_quant_type: fp4}", {"quantization": "fp4"}),
        ("gradient_checkpointing: true", {"gradient_checkpointing": True, "use_reentrant": True}),
        ("gradient_checkpointing: offload", {"gradient_checkpointing": True}),
        ("train_on_inputs: true", {"loss_on": "all"}),
        ("dataloader_pin_memory: false", {"dataloader_num_workers": 0, "dataloader_pin_memory": False}),
        ("warmup_ratio: 0.1", {"warmup_steps": 0.1, "most_warmup_steps": None}),
        ("warmup_steps: 0", {"warmup_steps": 0, "most_warmup_steps": None}),
        ("val_set_size: 0.1\neval_steps: 0.2", {"eval_strategy": "steps", "eval_steps": 0.2}),
        ("val_set_size: 0\neval_steps: 10", {"eval_strategy": "no"}),
        ("val_set_size: 0.1\nevaluation_strategy: epoch", {"eval_strategy": "epoch"}),
        ("save_strategy: no", {"save_strategy": "no"}),
        ("saves_per_epoch: 2\nnum_epochs: 2", {"save_strategy": "steps", "save_steps": 0.25}),
    ],
)  # fmt: skip
def test_a_key_of_axolotl_means_what_it_means_there(text: str, expected: dict[str, Any]) -> None:
    settings = read(f"{LORA_AX}{text}\n").settings
    assert {name: getattr(settings, name) for name in expected} == expected


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({}, {"per_device_train_batch_size": 8, "optim": "adamw_torch_fused", "learning_rate": 5e-5,
              "lr_scheduler_type": "linear", "precision": "fp32", "gradient_checkpointing": False,
              "dataloader_pin_memory": True, "num_train_epochs": 3}),
        ({"activation_checkpointing": True}, {"gradient_checkpointing": True, "use_reentrant": False}),
        ({"gradient_checkpointing": False, "activation_checkpointing": False},
         {"gradient_checkpointing": False}),
        ({"gradient_checkpointing": True, "gradient_checkpointing_kwargs": {"use_reentrant": True}},
         {"use_reentrant": True}),
        ({"train_sampling_strategy": "group_by_length"}, {"padding": "max_length"}),  # what was given wins
        ({"per_gpu_train_batch_size": 4}, {"per_device_train_batch_size": 4}),
        ({"adafactor": True}, {"optim": "adafactor"}),
        ({"bnb_4bit_compute_dtype": "torch.float16"}, {"bnb_4bit_compute_dtype": "float16"}),
        ({"load_in_4bit": True}, {"quantization": "fp4", "bnb_4bit_compute_dtype": "float32",
                                  "bnb_4bit_use_double_quant": False}),
        ({"load_in_4bit": False}, {"quantization": None}),
        ({"r": 4, "lora_alpha": 4}, {"lora": Lora(r=4, alpha=4, target_modules=["q_proj", "v_proj"])}),
        ({"max_steps": 20}, {"max_steps": 20}),
        ({"per_device_train_batch_size": 2.0}, {"per_device_train_batch_size": 2}),
    ],
)  # fmt: skip
def test_a_key_of_training_arguments_means_what_it_means_there(
    keys: dict[str, Any], expected: dict[str, Any]
) -> None:
    text = json.dumps({"optim": "adamw_torch_fused", **keys})
    settings = read(text, **BESIDE).settings
    assert {name: getattr(settings, name) for name in expected} == expected


def test_a_file_of_trl_has_trl_s_defaults() -> None:
    found = read('{"packing": true, "max_length": 2048, "optim": "adamw_torch"}').settings
    assert (found.padding, found.max_seq_length, found.learning_rate) == ("packing", 2048, 2e-5)
    assert (found.precision, found.gradient_checkpointing) == ("bf16", True)
    assert read('{"dataset_text_field": "text", "optim": "adamw_torch"}').settings.padding == "longest"


def test_padding_is_asked_for_where_no_file_can_say_it() -> None:
    refused = refusal(HF)
    assert [one.path for one in refused.errors] == ["padding", "max_seq_length"]
    assert "must be given beside the file" in refused.message
    assert "max_length" in refused.errors[0].message
    with pytest.raises(InvalidField) as within:
        read_settings(HF, given={"max_seq_length": 7}, given_field="settings")
    assert [one.path for one in within.value.errors] == ["settings.padding", "settings.max_seq_length"]
    assert "settings.padding must be given" in within.value.message
    with pytest.raises(InvalidField) as within:
        read_settings(HF, given={**BESIDE, "max_seq_length": 7}, given_field="settings")
    assert [one.path for one in within.value.errors] == ["settings.max_seq_length"]
    grouped = json.dumps({"optim": "adamw_torch", "group_by_length": True})
    assert [one.path for one in refusal(grouped).errors] == ["max_seq_length"]
    assert read(grouped, max_seq_length=64).settings.padding == "group_by_length"


def test_what_is_given_beside_the_file_wins_and_is_not_assumed() -> None:
    found = read(LLAMA_FACTORY, optim="ademamix", lora={"r": 2}, padding="max_length")
    assert found.settings.lora == Lora(r=2, alpha=32, target_modules=["q_proj", "v_proj"])
    assert (found.settings.optim, found.settings.padding) == ("ademamix", "max_length")
    assert "padding" not in {one.field for one in found.assumed}
    assert [one.field for one in found.differs] == ["optim"]


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("lr_scheduler_type: rex", "lr_scheduler_type"),
        ("optim: adamw_torch_8bit", "optim"),
        ("optim: lion_8bit", "optim"),
        ("quantization_bit: 8", "quantization"),
        ("weight_decay: 0.01", "weight_decay"),
        ("adam_beta2: 0.95", "adam_beta2"),
        ("neftune_noise_alpha: 5", "neftune_noise_alpha"),
        ("use_dora: true", "use_dora"),
        ("use_galore: true", "use_galore"),
    ],
)
def test_what_the_worker_learns_otherwise_is_told_as_another_curve(text: str, field: str) -> None:
    (told,) = read(f"{LORA_LF}cutoff_len: 64\nquantization_bit: 4\n{text}\n".replace(
        "quantization_bit: 4\nquantization_bit: 8", "quantization_bit: 8")).differs  # fmt: skip
    assert (told.field, told.curve) == (field, True)
    assert str(told.value).lower() in in_english(told.reason)
    assert "?" not in in_english(told.reason)


def test_rows_of_a_step_beside_the_accumulation_are_told_as_left_out() -> None:
    lora = "adapter: lora\nlora_r: 8\nlora_alpha: 16\nlora_target_linear: true\nlearning_rate: 0.0002\n"
    text = f"{lora}base_model: a/b\nmicro_batch_size: 4\ngradient_accumulation_steps: 4\nbatch_size: 64\n"
    told = read_settings(text, kind="axolotl", given={"padding": "longest", "max_seq_length": 64})
    assert told.settings.rows_per_step == 16
    assert [(one.key, one.value) for one in told.ignored if one.key == "batch_size"] == [("batch_size", 64)]


def test_settings_that_the_worker_has_differ_in_nothing() -> None:
    text = f"{LORA_LF}quantization_bit: 4\nweight_decay: 0.0\nadam_beta2: 0.999\nadam_epsilon: 1e-8\n"
    for schedule in ("linear", "cosine", "constant", "constant_with_warmup"):
        assert read(f"{text}lr_scheduler_type: {schedule}\n").differs == ()


@pytest.mark.parametrize(
    ("text", "path", "said"),
    [
        (f"{LORA_LF}cutoff_length: 64", "cutoff_length", "LLaMA-Factory. Did you mean cutoff_len?"),
        (f"{LORA_LF}learning_rat: 1", "learning_rat", "Did you mean learning_rate?"),
        (f"{LORA_LF}sdfghj: 1", "sdfghj", "sdfghj is not a key of LLaMA-Factory."),
        (f"{LORA_LF}cutoff_len: 3", "cutoff_len", "cutoff_len must be at least 8. It is 3."),
        (f"{LORA_LF}cutoff_len: long", "cutoff_len", 'must be a whole number. It is "long".'),
        (f"{LORA_LF}lora_rank: 0", "lora_rank", "must be at least 1. It is 0."),
        (f"{LORA_LF}lora_target: q-proj", "lora_target", "the last part of a layer's name"),
        (f"{LORA_LF}bf16: maybe", "bf16", "must be true or false, but is maybe"),
        (f"{LORA_LF}bf16: true\nfp16: true", "fp16", "must not be true if bf16 is"),
        (f"{LORA_LF}packing: 3", "packing", "must be true or false, but is 3"),
        (f"{LORA_LF}optim: adamw_torh", "optim", "adamw_torh is not the name of an optimizer"),
        (f"{LORA_LF}lr_scheduler_type: cosin", "lr_scheduler_type", "Did you mean cosine?"),
        (f"{LORA_LF}learning_rate: .inf", "learning_rate", "must be"),
        (f"{LORA_LF}warmup_ratio: 3", "warmup_ratio", "at least 0 and less than 1, but is 3"),
        (f"{LORA_LF}eval_strategy: steps\nevaluation_strategy: epoch", "evaluation_strategy", "another name"),
        (f"{LORA_LF}quantization_bit: 3", "quantization_bit", "is 3"),
        (f"{LORA_LF}per_device_train_batch_size: true", "per_device_train_batch_size", "whole number"),
        ("finetuning_type: full\nstage: sft", "finetuning_type", "is full, which trains more than a LoRA"),
        ("finetuning_type: lora\nstage: dpo", "stage", "is dpo"),
        (LORA_AX.replace("learning_rate: 1e-4\n", ""), "learning_rate", "is required by Axolotl"),
        (LORA_AX.replace("lora_r: 8\n", ""), "lora_r", "is required by Axolotl"),
        (LORA_AX.replace("adapter: lora\n", ""), "adapter", "trains more than a LoRA adapter"),
        (LORA_AX.replace("lora_target_linear: true\n", ""), "lora_target_modules", "is required"),
        (LORA_AX.replace("adapter: lora", "adapter: qlora"), "load_in_4bit", "must be true"),
        (f"{LORA_AX}rl: dpo", "rl", "is dpo"),
        (f"{LORA_AX}micro_batchsize: 2", "micro_batchsize", "Did you mean micro_batch_size?"),
        (f"{LORA_AX}evals_per_epoch: often\nval_set_size: 0.1", "evals_per_epoch", "must be a number"),
        ('{"optim": "adamw_torch", "per_device_train_batchsize": 2}', "per_device_train_batchsize",
         "Did you mean per_device_train_batch_size?"),
        ('{"optim": "adamw_torch", "gradient_accumulation_steps": 0}', "gradient_accumulation_steps",
         "must be at least 1. It is 0."),
        ('{"optim": "adamw_torch", "num_train_epochs": -1}', "num_train_epochs", "must be more than 0"),
        ('{"optim": "adamw_torch", "per_device_train_batch_size": 4096, "gradient_accumulation_steps": 4}',
         "gradient_accumulation_steps", "a step has 16,384 rows; the most is 4,096"),
    ],
)  # fmt: skip
def test_a_wrong_key_is_told_by_the_name_that_the_file_has(text: str, path: str, said: str) -> None:
    beside = BESIDE if text.startswith("{") else {}
    (error,) = refusal(text, **beside).errors
    assert error.path == path
    assert said in error.message


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "has no keys"),
        ("- a\n- b", "has no keys"),
        ("just words", "has no keys"),
        ("{}", "has no keys"),
        ('{"optim": "adamw_torch",', "not valid JSON. Line 1"),
        ("a: b: c", "not valid YAML. Line 1, column 5"),
        ("optim: x\noptim: y", "has the key optim twice"),
        ('{"optim": 1, "optim": 2}', "has the key optim twice"),
        ("optim: &a x\nlr_scheduler_type: *a", "has an alias (*name) in line 2"),
        ("a: !!python/object/apply:os.system ['true']", "not valid YAML. Line 1"),
        ("a: " + "[" * 5000, "can't be read"),
        ('{"a": ' + "[" * 50_000, "can't be read"),
        ("x" * 70_000, "has 70,000 characters"),
        ("foo: 1\nbar: 2", "don't show which tool"),
        ("? [b]\n: 2", "Line 1, column 3: found unhashable key"),
    ],
)  # fmt: skip
def test_a_text_that_is_no_file_of_settings_is_told(text: str, said: str) -> None:
    refused = refusal(text)
    assert said in refused.message
    assert refused.param == "file"


def test_the_kind_is_recognised_by_the_keys_and_can_be_given() -> None:
    yaml = "per_device_train_batch_size: 1\noptim: adamw_torch\n"
    assert read(yaml, **BESIDE).kind == "training_arguments"
    kind: SettingsKind = "llama_factory"
    assert read_settings(yaml, kind=kind).settings.max_seq_length == 2048
    assert read_settings(LORA_LF).kind == "llama_factory"


def test_a_file_of_many_wrong_keys_is_answered_soon_and_in_few_words() -> None:
    refused = refusal("cutoff_len: 64\n" + "".join(f"k{number}: 1\n" for number in range(7000)))
    assert len(refused.errors) == 20
    assert "17 more keys are wrong." in refused.message
    assert len(refused.message) < 1000


def test_values_of_any_length_and_kind_are_told_shortly() -> None:
    long = "x" * 40_000
    (error,) = refusal(f"{LORA_LF}{long[:1000]}: 1").errors
    assert len(error.path) < 300
    found = read(f"{LORA_LF}model_name_or_path: {long}\ndataset: {{a: [1, 2]}}\n")
    assert [len(str(one.value)) for one in found.ignored] == [201, len('{"a": [1, 2]}')]
    lone = read('{"optim": "adamw_torch", "output_dir": "\\ud800", "run_name": "ü"}', **BESIDE)
    assert [one.value for one in lone.ignored] == ["?", "ü"]
    lone.model_dump_json()


def test_a_deep_or_long_text_is_read_within_a_second() -> None:
    started = time.process_time()
    refusal("{a: " * 10_000)
    refusal("cutoff_len: 64\n" + "a: [" * 1 + "[]," * 20_000 + "]\n")
    assert time.process_time() - started < 20


def test_what_is_given_beside_the_file_is_checked_too() -> None:
    (error,) = refusal(HF, **BESIDE, max_seq_lenght=64).errors
    assert (error.path, "max_seq_length" in error.message) == ("max_seq_lenght", True)
    (error,) = refusal(LLAMA_FACTORY, lora="all").errors
    assert error.path == "lora"
    (error,) = refusal(LLAMA_FACTORY, lora={"r": 0}).errors
    assert (error.path, error.message) == ("lora.r", "lora.r must be at least 1. It is 0.")
    given = read(LORA_AX, warmup_steps=0.5).settings
    assert (given.warmup_steps, given.most_warmup_steps) == (0.5, None)


def test_secrets_are_not_kept() -> None:
    for key in ("hub_token", "hf_hub_token", "swanlab_api_key", "push_to_hub_token"):
        assert "hush" not in read(f"{LORA_LF}{key}: hush\n").model_dump_json()


@pytest.mark.parametrize("key", ["lora_modules_to_save: [lm_head]", "peft_use_rslora: true"])
def test_what_trains_more_than_the_adapter_is_another_curve(key: str) -> None:
    assert [one.curve for one in read(f"{LORA_AX}load_in_4bit: true\n{key}\n").differs] == [True]


def test_all_that_is_wrong_in_a_file_is_told_at_once() -> None:
    text = f"{LORA_LF}cutoff_len: 64\nlearning_rate: 7\nlora_rank: -1\nnosuch_key: 1\noptim: adamwx\n"
    assert {error.path for error in refusal(text).errors} == {
        "nosuch_key", "learning_rate", "lora_rank", "optim"
    }  # fmt: skip


def test_all_that_is_wrong_in_given_settings_is_told_at_once() -> None:
    with pytest.raises(InvalidField) as refused:
        given_settings({"bf16": "perhaps", "max_seq_len": 64, "learning_rate": 7})
    assert {error.path for error in refused.value.errors} == {"bf16", "max_seq_len", "learning_rate"}


@pytest.mark.parametrize(
    ("text", "kind", "tool"),
    [
        (AXOLOTL, "llama_factory", "Axolotl"),
        (LLAMA_FACTORY, "axolotl", "LLaMA-Factory"),
        (HF, "axolotl", "HF TrainingArguments"),
    ],
)
def test_a_file_of_another_tool_than_is_said_is_told_once(text: str, kind: SettingsKind, tool: str) -> None:
    with pytest.raises(InvalidField) as refused:
        read_settings(text, kind=kind, kind_field="settings_kind")
    (error,) = refused.value.errors
    assert error.path == "settings_kind"
    assert f"they are those of {tool}." in error.message


def test_a_mistake_in_a_file_of_the_tool_that_is_said_is_told_as_such() -> None:
    with pytest.raises(InvalidField) as refused:
        read_settings(f"{AXOLOTL}nosuch_key: 1\n", kind="axolotl")
    assert [error.path for error in refused.value.errors] == ["nosuch_key"]
