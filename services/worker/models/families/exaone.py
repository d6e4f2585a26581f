"""EXAONE-3.5 and -Deep as what they are: Llama with other names. No code from the model's repository runs.

Structure and names: the published config.json and checkpoint index of LGAI-EXAONE/EXAONE-3.5-2.4B-Instruct;
that the renaming is exact is known from public "llamafied" checkpoints and tested against a plain reference.
"""

from collections.abc import Mapping
from typing import Any

from transformers import LlamaConfig, LlamaForCausalLM

from services.worker.failures import FailureCode, JobFailed
from services.worker.models.families.family import Family
from shared.exaone_names import EXAONE_NAMES
from shared.messages.message import say

# Original module name → Llama's. `N` stands for the layer's number. Pure renames: nothing is transposed.
MODULE_NAMES = {
    "transformer.wte": "model.embed_tokens",
    "transformer.h.N.ln_1": "model.layers.N.input_layernorm",
    "transformer.h.N.attn.attention.q_proj": "model.layers.N.self_attn.q_proj",
    "transformer.h.N.attn.attention.k_proj": "model.layers.N.self_attn.k_proj",
    "transformer.h.N.attn.attention.v_proj": "model.layers.N.self_attn.v_proj",
    "transformer.h.N.attn.attention.out_proj": "model.layers.N.self_attn.o_proj",
    "transformer.h.N.ln_2": "model.layers.N.post_attention_layernorm",
    "transformer.h.N.mlp.c_fc_0": "model.layers.N.mlp.gate_proj",
    "transformer.h.N.mlp.c_fc_1": "model.layers.N.mlp.up_proj",
    "transformer.h.N.mlp.c_proj": "model.layers.N.mlp.down_proj",
    "transformer.ln_f": "model.norm",
}

CHAT_TEMPLATE = """\
{%- for message in messages -%}
{%- if loop.first and message['role'] != 'system' -%}
{{- '[|system|][|endofturn|]\\n' -}}
{%- endif -%}
{{- '[|' + message['role'] + '|]' + message['content'] -}}
{%- if message['role'] != 'user' -%}
{{- '[|endofturn|]' -}}
{%- endif -%}
{{- '\\n' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}
{{- '[|assistant|]' -}}
{%- endif -%}"""

_CONFIG_FIELDS = ("hidden_size", "intermediate_size", "num_attention_heads", "num_layers", "vocab_size")


def llama_config(config: Mapping[str, Any]) -> LlamaConfig:
    """The LlamaConfig that computes what EXAONE's config.json describes.

    Raises JobFailed: MODEL_UNREADABLE for a missing field, MODEL_UNSUPPORTED for an activation but SiLU.
    """
    if missing := [field for field in _CONFIG_FIELDS if type(config.get(field)) is not int]:
        raise JobFailed(
            FailureCode.MODEL_UNREADABLE,
            say("exaone-config-lacks", fields=missing),
            say("fetch-config"),
        )
    if (activation := config.get("activation_function", "silu")) != "silu":
        raise JobFailed(
            FailureCode.MODEL_UNSUPPORTED,
            say("exaone-activation-unknown", activation=repr(activation)[:100]),
            say("name-another-base-model"),
        )
    heads = config["num_attention_heads"]
    return LlamaConfig(
        vocab_size=config["vocab_size"],
        hidden_size=config["hidden_size"],
        intermediate_size=config["intermediate_size"],
        num_hidden_layers=config["num_layers"],
        num_attention_heads=heads,
        num_key_value_heads=config.get("num_key_value_heads") or heads,
        head_dim=config.get("head_dim") or config["hidden_size"] // heads,
        hidden_act="silu",
        rms_norm_eps=config.get("layer_norm_epsilon", 1e-5),
        max_position_embeddings=config.get("max_position_embeddings", 2048),
        rope_parameters=_rope_parameters(config),
        tie_word_embeddings=bool(config.get("tie_word_embeddings", True)),
        attention_bias=False,
        mlp_bias=False,
        attention_dropout=config.get("attention_dropout", 0.0),
        initializer_range=config.get("initializer_range", 0.02),
        bos_token_id=config.get("bos_token_id"),
        eos_token_id=config.get("eos_token_id"),
        pad_token_id=config.get("pad_token_id"),
        use_cache=False,
    )


def _rope_parameters(config: Mapping[str, Any]) -> dict[str, Any]:
    """Both layouts: `rope_theta` + `rope_scaling` (2024), or `rope_parameters` (since transformers 5)."""
    if isinstance(parameters := config.get("rope_parameters"), dict):
        return dict(parameters)
    scaling = dict(config.get("rope_scaling") or {})
    kind = scaling.pop("rope_type", None) or scaling.pop("type", None) or "default"
    return {"rope_type": kind, "rope_theta": float(config.get("rope_theta", 10_000.0)), **scaling}


EXAONE = Family(  # 3.0, 3.5 and Deep; transformers knows EXAONE 4 itself
    names=EXAONE_NAMES,
    model_type="exaone",
    model_class=LlamaForCausalLM,
    as_run=llama_config,
    module_names=MODULE_NAMES,
    chat_template=CHAT_TEMPLATE,
    tokenizer_class="PreTrainedTokenizerFast",  # the repository's loses its normalizer in transformers 5
)
