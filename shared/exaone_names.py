"""What EXAONE's repository calls the modules that run under Llama's names here."""

from shared.family_names import FamilyNames

EXAONE_NAMES = FamilyNames(
    architecture="exaone",
    title="EXAONE as Llama",
    runs_under="llama",
    part_names={  # the test holds them to the module names that the worker maps
        "model": "transformer",
        "layers": "h",
        "self_attn": "attn.attention",
        "o_proj": "out_proj",
        "gate_proj": "c_fc_0",
        "up_proj": "c_fc_1",
        "down_proj": "c_proj",
        "input_layernorm": "ln_1",
        "post_attention_layernorm": "ln_2",
        "embed_tokens": "wte",
        "norm": "ln_f",
    },
    same_parts=frozenset({"q_proj", "k_proj", "v_proj", "mlp", "lm_head"}),
)
