"""Chat templates of model families, written anew after their public descriptions, with tiny tokenizers.

What a family's template does to a conversation is said here as facts: the test compares with these, not with
the code under test.
"""

from dataclasses import dataclass, field
from functools import cache

from tokenizers import (
    AddedToken,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)
from transformers import PreTrainedTokenizerBase, PreTrainedTokenizerFast

CORPUS = (
    "The capital is Seoul. Water boils at a hundred degrees. The sky is blue.",
    "수도는 서울이야. 물은 백 도에서 끓어. 하늘은 빛이 흩어져서 파래.",
    "system user assistant model think thought answer question",
)


@dataclass(frozen=True)
class Family:
    """`end` is what stands after the words up to and with the end token, `before` white space before them;
    `trims` and `trims_left` are the characters stripped from the words. `refused` maps cases to a part of the
    template's reason; `unrolled` are the cases that become one row a turn.
    """

    name: str
    template: str
    specials: tuple[str, ...]
    end: str
    eos: str
    bos: str | None = None
    before: str = ""
    trims: str = ""
    trims_left: str = ""
    opens_thought: bool = False
    tag: str = "think"
    refused: dict[str, str] = field(default_factory=dict, hash=False)
    unrolled: frozenset[str] = frozenset()
    adds_bos: bool = False
    pieces: bool = False
    strips: bool = False
    """Its special tokens take the white space after them along, and pieces put a space between any two."""


@cache
def tokenizer_of(family: Family) -> PreTrainedTokenizerBase:
    specials = [
        AddedToken(token, rstrip=family.strips and token not in (family.bos, family.eos), normalized=False)
        for token in dict.fromkeys(("<unk>", "<pad>", *family.specials))
    ]
    backend = Tokenizer(models.BPE(byte_fallback=family.pieces, unk_token="<unk>" if family.pieces else None))
    if family.pieces:  # as the SentencePiece models of Llama 2, Mistral, Gemma and Phi-3
        if family.strips:
            backend.normalizer = normalizers.Sequence(
                [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]
            )
        else:
            backend.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
        backend.decoder = decoders.Sequence(
            [
                decoders.Replace("▁", " "),
                decoders.ByteFallback(),
                decoders.Fuse(),
                decoders.Strip(" ", 1, 0),
            ]
        )
        alphabet, specials = [], [*specials, *(AddedToken(f"<0x{byte:02X}>") for byte in range(256))]
    else:
        backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        backend.decoder = decoders.ByteLevel()
        alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=1200, special_tokens=specials, initial_alphabet=alphabet, show_progress=False
    )
    backend.train_from_iterator(CORPUS, trainer)
    if family.adds_bos:
        bos = str(family.bos)
        backend.post_processor = processors.TemplateProcessing(
            single=f"{bos} $A", special_tokens=[(bos, backend.token_to_id(bos))]
        )
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=backend,
        eos_token=family.eos,
        bos_token=family.bos,
        pad_token="<pad>",
        additional_special_tokens=[token for token in specials if token.content in family.specials],
    )
    tokenizer.chat_template = family.template
    return tokenizer


CHATML = """\
{%- for m in messages -%}
<|im_start|>{{ m.role }}
{{ m.content }}<|im_end|>
{% endfor -%}
{%- if add_generation_prompt %}<|im_start|>assistant
{% endif -%}"""

LLAMA_2 = """\
{%- if messages[0].role == 'system' -%}
{%- set first = '<<SYS>>\\n' + messages[0].content + '\\n<</SYS>>\\n\\n' %}{% set turns = messages[1:] -%}
{%- else -%}{%- set first = '' %}{% set turns = messages -%}{%- endif -%}
{%- for m in turns -%}
{%- if (m.role == 'user') != (loop.index0 is even) -%}
{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}
{%- endif -%}
{%- if m.role == 'user' -%}
{{ bos_token + '[INST] ' + ((first if loop.first else '') + m.content).strip() + ' [/INST]' }}
{%- else -%}{{ ' ' + m.content.strip() + ' ' + eos_token }}{%- endif -%}
{%- endfor -%}"""

LLAMA_3 = """\
{{- bos_token -}}
{%- if messages[0].role == 'system' -%}
{%- set system = messages[0].content | trim %}{% set turns = messages[1:] -%}
{%- else -%}{%- set system = '' %}{% set turns = messages -%}{%- endif -%}
{%- if not date_string is defined -%}{%- set date_string = strftime_now('%d %b %Y') -%}{%- endif -%}
{{- '<|start_header_id|>system<|end_header_id|>\\n\\nCutting Knowledge Date: December 2023\\nToday Date: ' -}}
{{- date_string + '\\n\\n' + system + '<|eot_id|>' -}}
{%- for m in turns -%}
{{- '<|start_header_id|>' + m.role + '<|end_header_id|>\\n\\n' + m.content | trim + '<|eot_id|>' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' -}}{%- endif -%}"""

QWEN_25 = """\
{%- if messages[0].role != 'system' -%}
{{- '<|im_start|>system\\nYou are a helpful assistant.<|im_end|>\\n' -}}
{%- endif -%}
{%- for m in messages -%}{{- '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>\\n' -}}{%- endfor -%}
{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\\n' -}}{%- endif -%}"""

# The reasoning of turns before the last question goes; the last answer always has a block of thought.
QWEN_3 = """\
{%- set ns = namespace(last=-1) -%}
{%- for m in messages -%}
{%- if m.role == 'user' -%}{%- set ns.last = loop.index0 -%}{%- endif -%}
{%- endfor -%}
{%- for m in messages -%}
{%- if m.role == 'assistant' -%}
{%- set thought, answer = '', m.content -%}
{%- if '</think>' in answer -%}
{%- set thought = answer.split('</think>')[0].rstrip('\\n').split('<think>')[-1].lstrip('\\n') -%}
{%- set answer = answer.split('</think>')[-1].lstrip('\\n') -%}
{%- endif -%}
{{- '<|im_start|>assistant\\n' -}}
{%- if loop.index0 > ns.last and (loop.last or thought) -%}
{{- '<think>\\n' + thought.strip('\\n') + '\\n</think>\\n\\n' + answer.lstrip('\\n') -}}
{%- else -%}{{- answer -}}{%- endif -%}
{{- '<|im_end|>\\n' -}}
{%- else -%}{{- '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>\\n' -}}{%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}
{{- '<|im_start|>assistant\\n' -}}
{%- if enable_thinking is defined and enable_thinking is false -%}
{{- '<think>\\n\\n</think>\\n\\n' -}}
{%- endif -%}
{%- endif -%}"""

GEMMA = """\
{{- bos_token -}}
{%- if messages[0].role == 'system' -%}{{ raise_exception('System role not supported') }}{%- endif -%}
{%- for m in messages -%}
{%- if (m.role == 'user') != (loop.index0 is even) -%}
{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}
{%- endif -%}
{%- set role = 'model' if m.role == 'assistant' else m.role -%}
{{- '<start_of_turn>' + role + '\\n' + m.content | trim + '<end_of_turn>\\n' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- '<start_of_turn>model\\n' -}}{%- endif -%}"""

GEMMA_3 = """\
{{- bos_token -}}
{%- if messages[0].role == 'system' -%}
{%- set first = messages[0].content + '\\n\\n' %}{% set turns = messages[1:] -%}
{%- else -%}{%- set first = '' %}{% set turns = messages -%}{%- endif -%}
{%- for m in turns -%}
{%- if (m.role == 'user') != (loop.index0 is even) -%}
{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}
{%- endif -%}
{%- set role = 'model' if m.role == 'assistant' else m.role -%}
{{- '<start_of_turn>' + role + '\\n' + (first if loop.first else '') -}}
{%- if m.content is string -%}{{- m.content | trim -}}
{%- else -%}{%- for part in m.content -%}{{- part.text | trim -}}{%- endfor -%}{%- endif -%}
{{- '<end_of_turn>\\n' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- '<start_of_turn>model\\n' -}}{%- endif -%}"""

PHI_3 = """\
{%- for m in messages -%}
{{- '<|' + m.role + '|>\\n' + m.content + '<|end|>\\n' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- '<|assistant|>\\n' -}}{%- else -%}{{- eos_token -}}{%- endif -%}"""

PHI_4_MINI = """\
{%- for m in messages -%}{{- '<|' + m.role + '|>' + m.content + '<|end|>' -}}{%- endfor -%}
{%- if add_generation_prompt -%}{{- '<|assistant|>' -}}{%- else -%}{{- eos_token -}}{%- endif -%}"""

# Each answer but the last is followed by a new line after its end token.
OLMO_2 = """\
{{- bos_token -}}
{%- for m in messages -%}
{%- if m.role == 'assistant' -%}
{{- '<|assistant|>\\n' + m.content + eos_token + ('' if loop.last else '\\n') -}}
{%- else -%}{{- '<|' + m.role + '|>\\n' + m.content + '\\n' -}}{%- endif -%}
{%- if loop.last and add_generation_prompt -%}{{- '<|assistant|>\\n' -}}{%- endif -%}
{%- endfor -%}"""

# A long system message of its own with the dates of today and yesterday.
MISTRAL_SMALL = """\
{{- bos_token -}}
{%- set today = strftime_now('%Y-%m-%d') -%}
{%- if messages[0].role == 'system' -%}
{%- set system = messages[0].content %}{% set turns = messages[1:] -%}
{%- else -%}
{%- set system = 'You are Mistral Small. The date is ' + today + '.' %}{% set turns = messages -%}
{%- endif -%}
{{- '[SYSTEM_PROMPT]' + system + '[/SYSTEM_PROMPT]' -}}
{%- for m in turns -%}
{%- if m.role == 'user' -%}{{- '[INST]' + m.content + '[/INST]' -}}
{%- elif m.role == 'assistant' -%}{{- m.content + eos_token -}}
{%- else -%}{{ raise_exception('Only user and assistant roles are supported') }}{%- endif -%}
{%- endfor -%}"""

MISTRAL_7B = """\
{{- bos_token -}}
{%- if messages[0].role == 'system' -%}
{%- set first = messages[0].content + '\\n\\n' %}{% set turns = messages[1:] -%}
{%- else -%}{%- set first = '' %}{% set turns = messages -%}{%- endif -%}
{%- for m in turns -%}
{%- if (m.role == 'user') != (loop.index0 is even) -%}
{{ raise_exception('After the optional system message, conversation roles must alternate') }}
{%- endif -%}
{%- if m.role == 'user' -%}{{- '[INST] ' + (first if loop.first else '') + m.content + '[/INST]' -}}
{%- else -%}{{- ' ' + m.content + eos_token -}}{%- endif -%}
{%- endfor -%}"""

# The system message is written before the last message only, and only if that is the user's.
MISTRAL_NEMO = """\
{{- bos_token -}}
{%- if messages[0].role == 'system' -%}
{%- set system = messages[0].content %}{% set turns = messages[1:] -%}
{%- else -%}{%- set turns = messages -%}{%- endif -%}
{%- for m in turns -%}
{%- if (m.role == 'user') != (loop.index0 is even) -%}
{{ raise_exception('After the optional system message, conversation roles must alternate') }}
{%- endif -%}
{%- if m.role == 'user' -%}
{{- '[INST]' + (system + '\\n\\n' if loop.last and system is defined else '') + m.content + '[/INST]' -}}
{%- else -%}{{- m.content + eos_token -}}{%- endif -%}
{%- endfor -%}"""

EXAONE_35 = """\
{%- for m in messages -%}
{%- if loop.first and m.role != 'system' -%}{{- '[|system|][|endofturn|]\\n' -}}{%- endif -%}
{{- '[|' + m.role + '|]' + m.content -}}
{%- if m.role == 'user' -%}{{- '\\n' -}}{%- else -%}{{- '[|endofturn|]\\n' -}}{%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- '[|assistant|]' -}}{%- endif -%}"""

EXAONE_DEEP = """\
{%- for m in messages -%}
{%- if loop.first and m.role != 'system' -%}{{- '[|system|][|endofturn|]\\n' -}}{%- endif -%}
{%- set content = m.content -%}
{%- if '</thought>' in content -%}
{%- set content = content.split('</thought>')[-1].lstrip('\\n') -%}
{%- endif -%}
{{- '[|' + m.role + '|]' + content -}}
{%- if m.role != 'user' -%}{{- '[|endofturn|]' -}}{%- endif -%}
{%- if not loop.last -%}{{- '\\n' -}}{%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- '\\n[|assistant|]<thought>\\n' -}}{%- endif -%}"""

EXAONE_4 = """\
{%- set ns = namespace(last=-1) -%}
{%- for m in messages -%}
{%- if m.role == 'user' -%}{%- set ns.last = loop.index0 -%}{%- endif -%}
{%- endfor -%}
{%- for m in messages -%}
{{- '[|' + m.role + '|]\\n' -}}
{%- if m.role == 'assistant' -%}
{%- set thought, answer = '', m.content -%}
{%- if '</think>' in answer -%}
{%- set thought = answer.split('</think>')[0].split('<think>')[-1].strip() -%}
{%- set answer = answer.split('</think>')[-1].strip() -%}
{%- endif -%}
{%- if thought and loop.index0 > ns.last -%}{{- '<think>\\n' + thought + '\\n</think>\\n\\n' -}}
{%- else -%}{{- '<think>\\n\\n</think>\\n\\n' -}}{%- endif -%}
{{- answer -}}
{%- else -%}{{- m.content -}}{%- endif -%}
{{- '[|endofturn|]\\n' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}
{{- '[|assistant|]\\n' -}}
{%- if enable_thinking is defined and enable_thinking is true -%}{{- '<think>\\n' -}}
{%- else -%}{{- '<think>\\n\\n</think>\\n\\n' -}}{%- endif -%}
{%- endif -%}"""

DEEPSEEK_R1 = """\
{{- bos_token -}}
{%- for m in messages -%}{%- if m.role == 'system' -%}{{- m.content -}}{%- endif -%}{%- endfor -%}
{%- for m in messages -%}
{%- if m.role == 'user' -%}{{- '<｜User｜>' + m.content -}}
{%- elif m.role == 'assistant' -%}
{%- set content = m.content -%}
{%- if '</think>' in content -%}{%- set content = content.split('</think>')[-1] -%}{%- endif -%}
{{- '<｜Assistant｜>' + content + '<｜end▁of▁sentence｜>' -}}
{%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- '<｜Assistant｜><think>\\n' -}}{%- endif -%}"""

GRANITE = """\
{%- if messages[0].role == 'system' -%}
{%- set system = messages[0].content %}{% set turns = messages[1:] -%}
{%- else -%}
{%- set system = "Knowledge Cutoff Date: April 2024.\\nToday's Date: " + strftime_now('%B %d, %Y') + '.' -%}
{%- if thinking -%}{%- set system = system + ' Think first, then answer.' -%}{%- endif -%}
{%- set turns = messages -%}
{%- endif -%}
{{- '<|start_of_role|>system<|end_of_role|>' + system + '<|end_of_text|>\\n' -}}
{%- for m in turns -%}
{{- '<|start_of_role|>' + m.role + '<|end_of_role|>' + m.content + '<|end_of_text|>\\n' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- '<|start_of_role|>assistant<|end_of_role|>' -}}{%- endif -%}"""

SMOLLM_3 = """\
{%- if enable_thinking is not defined -%}{%- set enable_thinking = true -%}{%- endif -%}
{%- set mode = '/think' if enable_thinking else '/no_think' -%}
{{- '<|im_start|>system\\n## Metadata\\n\\nToday Date: ' + strftime_now('%d %B %Y') -}}
{{- '\\nReasoning Mode: ' + mode + '\\n\\n' -}}
{%- if messages[0].role == 'system' -%}
{{- '## Custom Instructions\\n\\n' + messages[0].content.rstrip() + '\\n\\n' -}}
{%- endif -%}
{{- '<|im_end|>\\n' -}}
{%- for m in messages -%}
{%- if m.role == 'user' -%}{{- '<|im_start|>user\\n' + m.content + '<|im_end|>\\n' -}}
{%- elif m.role == 'assistant' -%}
{%- if mode == '/think' -%}{{- '<|im_start|>assistant\\n' + m.content.lstrip('\\n') + '<|im_end|>\\n' -}}
{%- else -%}
{{- '<|im_start|>assistant\\n<think>\\n\\n</think>\\n' + m.content.lstrip('\\n') + '<|im_end|>\\n' -}}
{%- endif -%}
{%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}
{{- '<|im_start|>assistant\\n' -}}
{%- if mode == '/no_think' -%}{{- '<think>\\n\\n</think>\\n' -}}{%- endif -%}
{%- endif -%}"""

# The prompt opens a thought, and the last answer is written with one.
QWEN_35 = """\
{%- for m in messages -%}
{%- if m.role == 'assistant' -%}
{%- set thought, answer = '', m.content -%}
{%- if '</think>' in answer -%}
{%- set thought = answer.split('</think>')[0].split('<think>')[-1].strip() -%}
{%- set answer = answer.split('</think>')[-1].strip() -%}
{%- endif -%}
{{- '<|im_start|>assistant\\n' -}}
{%- if loop.last -%}{{- '<think>\\n' + thought + '\\n</think>\\n\\n' -}}{%- endif -%}
{{- answer + '<|im_end|>\\n' -}}
{%- else -%}{{- '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>\\n' -}}{%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\\n<think>\\n' -}}{%- endif -%}"""

# An answer has a header of its own, and the last one another end token than those before.
CHANNELS = """\
{%- for m in messages -%}
{{- '<|start|>' + m.role -}}
{%- if m.role == 'assistant' -%}{{- '<|channel|>final' -}}{%- endif -%}
{{- '<|message|>' + m.content -}}
{{- '<|return|>' if loop.last and m.role == 'assistant' else '<|end|>' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- '<|start|>assistant' -}}{%- endif -%}"""

VICUNA = """\
{%- if messages[0].role == 'system' -%}
{{- messages[0].content + ' ' -}}{% set turns = messages[1:] -%}
{%- else -%}{%- set turns = messages -%}{%- endif -%}
{%- for m in turns -%}
{%- if m.role == 'user' -%}{{- 'USER: ' + m.content + ' ' -}}
{%- else -%}{{- 'ASSISTANT: ' + m.content + eos_token -}}{%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- 'ASSISTANT:' -}}{%- endif -%}"""

# Turns are numbered.
ROUNDS = """\
{%- for m in messages -%}
{%- if m.role == 'user' -%}{{- '[Round ' ~ loop.index ~ ']\\n\\nQ: ' + m.content + '\\n\\nA:' -}}
{%- elif m.role == 'assistant' -%}{{- m.content + eos_token + '\\n\\n' -}}
{%- else -%}{{- m.content + '\\n\\n' -}}{%- endif -%}
{%- endfor -%}"""

# No generation prompt at all, and white space of its own around the words.
BLOCKS = """\
{%- for m in messages %}
<block of="{{ m.role }}">
 {{ m.content }}
</block><eos>
{%- endfor %}"""

# Content as a list of parts, and nothing for a string.
PARTS = """\
{%- for m in messages -%}
{{- '<|im_start|>' + m.role + '\\n' -}}
{%- for part in m.content -%}{{- part.text -}}{%- endfor -%}
{{- '<|im_end|>\\n' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\\n' -}}{%- endif -%}"""

WHITE_SPACE = " \n"
IM = ("<|im_start|>", "<|im_end|>")
EXAONE = ("[BOS]", "[|system|]", "[|user|]", "[|assistant|]", "[|endofturn|]")
NO_SYSTEM = dict.fromkeys(("system", "system, three turns"), "System role not supported")
ALTERNATE = {"two assistants": "alternate"}
SEVERAL = frozenset({"three turns", "system, three turns", "thoughts in three turns", "the user's words"})

FAMILIES = (
    Family("ChatML", CHATML, IM, "<|im_end|>", "<|im_end|>"),
    Family(
        "Llama 2", LLAMA_2, ("<s>", "</s>"), " </s>", "</s>", "<s>", before=" ", trims=WHITE_SPACE,
        refused=ALTERNATE, adds_bos=True, pieces=True,
    ),
    Family(
        "Llama 3.x", LLAMA_3,
        ("<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>", "<|end_of_text|>"),
        "<|eot_id|>", "<|eot_id|>", "<|begin_of_text|>", trims=WHITE_SPACE, adds_bos=True,
    ),
    Family("Qwen2.5", QWEN_25, (*IM, "<|endoftext|>"), "<|im_end|>", "<|im_end|>"),
    Family(
        "Qwen3", QWEN_3, (*IM, "<|endoftext|>"), "<|im_end|>", "<|im_end|>",
        trims_left="\n", unrolled=SEVERAL | {"thought in one of two"},
    ),
    Family(
        "Gemma", GEMMA, ("<bos>", "<eos>", "<start_of_turn>", "<end_of_turn>"), "<end_of_turn>", "<eos>",
        "<bos>", trims=WHITE_SPACE, refused={**NO_SYSTEM, **ALTERNATE}, adds_bos=True,
        pieces=True,
    ),
    Family(
        "Gemma 3", GEMMA_3, ("<bos>", "<eos>", "<start_of_turn>", "<end_of_turn>"), "<end_of_turn>", "<eos>",
        "<bos>", trims=WHITE_SPACE, refused=ALTERNATE, adds_bos=True, pieces=True,
    ),
    Family(
        "Phi-3", PHI_3, ("<s>", "<|endoftext|>", "<|system|>", "<|user|>", "<|assistant|>", "<|end|>"),
        "<|end|>", "<|endoftext|>", "<s>", adds_bos=True, pieces=True, strips=True,
    ),
    Family(
        "Phi-4-mini", PHI_4_MINI, ("<|endoftext|>", "<|system|>", "<|user|>", "<|assistant|>", "<|end|>"),
        "<|end|>", "<|endoftext|>", "<|endoftext|>", strips=True,
    ),
    Family(
        "OLMo-2", OLMO_2, ("<|endoftext|>", "<|system|>", "<|user|>", "<|assistant|>"), "<|endoftext|>",
        "<|endoftext|>", "<|endoftext|>",
    ),
    Family(
        "Mistral Small", MISTRAL_SMALL,
        ("<s>", "</s>", "[INST]", "[/INST]", "[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]"), "</s>", "</s>", "<s>",
        adds_bos=True,
    ),
    Family(
        "Mistral 7B", MISTRAL_7B, ("<s>", "</s>", "[INST]", "[/INST]"), "</s>", "</s>", "<s>", before=" ",
        refused=ALTERNATE, adds_bos=True, pieces=True,
    ),
    Family(
        "Mistral Nemo", MISTRAL_NEMO, ("<s>", "</s>", "[INST]", "[/INST]"), "</s>", "</s>", "<s>",
        refused=ALTERNATE, unrolled=frozenset({"system, three turns"}), adds_bos=True,
    ),
    Family("EXAONE-3.5", EXAONE_35, EXAONE, "[|endofturn|]", "[|endofturn|]", "[BOS]"),
    Family(
        "EXAONE-Deep", EXAONE_DEEP, EXAONE, "[|endofturn|]", "[|endofturn|]", "[BOS]",
        opens_thought=True, tag="thought",
        unrolled=SEVERAL | {"two assistants", "thought in one of two"},
    ),
    Family(
        "EXAONE-4", EXAONE_4, EXAONE, "[|endofturn|]", "[|endofturn|]", "[BOS]",
        opens_thought=True, unrolled=frozenset({"thoughts in three turns", "thought in one of two"}),
    ),
    Family(
        "DeepSeek-R1 distill", DEEPSEEK_R1,
        ("<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>", "<｜User｜>", "<｜Assistant｜>"),
        "<｜end▁of▁sentence｜>", "<｜end▁of▁sentence｜>", "<｜begin▁of▁sentence｜>",
        opens_thought=True,
        unrolled=SEVERAL | {"two assistants", "thought in one of two"}, adds_bos=True,
    ),
    Family(
        "Granite", GRANITE, ("<|start_of_role|>", "<|end_of_role|>", "<|end_of_text|>"), "<|end_of_text|>",
        "<|end_of_text|>",
    ),
    Family("SmolLM3", SMOLLM_3, IM, "<|im_end|>", "<|im_end|>", trims_left="\n"),
    Family(
        "Qwen3.5", QWEN_35, (*IM, "<|endoftext|>"), "<|im_end|>", "<|im_end|>", opens_thought=True,
        unrolled=SEVERAL | {"thought in one of two"},
    ),
    Family(
        "channels", CHANNELS,
        ("<|start|>", "<|channel|>", "<|message|>", "<|end|>", "<|return|>", "<|endoftext|>"), "<|return|>",
        "<|return|>", unrolled=SEVERAL | {"thought in one of two"},
    ),
    Family("Vicuna", VICUNA, ("<s>", "</s>"), "</s>", "</s>", "<s>", before=" ", adds_bos=True, pieces=True),
    Family("numbered rounds", ROUNDS, ("<s>", "</s>"), "</s>", "</s>", "<s>"),
    Family("no generation prompt", BLOCKS, ("<eos>",), "\n</block><eos>", "<eos>"),
    Family("content as parts", PARTS, IM, "<|im_end|>", "<|im_end|>"),
)  # fmt: skip
