"""What all arms of `bench train` begin with: the same token rows and the same adapter, each as one file."""

import math
import random
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from safetensors.torch import save_file
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedTokenizerBase

from bench.sms import LABELS, ROWS, Message, joined, shuffled
from bench.train_arms.token_file import TokenFile
from services.worker.computing.batching import Schedule
from services.worker.text.chat_template import ChatTemplate
from services.worker.text.classification import ClassificationPrompt
from services.worker.text.marked_text import TokenRow
from shared.schemas.hyperparameters import Lora

INSTRUCTION = "Classify this message as spam or ham."
CAP = 512
ROWS_PER_STEP = 16
LORA = {"r": 8, "lora_alpha": 16, "lora_dropout": 0.0, "target_modules": ["q_proj", "v_proj"]}
LORA_OF_A_JOB = Lora.model_validate(
    {"r": LORA["r"], "alpha": LORA["lora_alpha"], "target_modules": LORA["target_modules"]}
)
PREFIX_TOKENS = 5
SHORT_QUESTION = "Spam or ham, which one is it?"  # its first five tokens, in place of the template's forty
JOINED_CHARACTERS = 6 * CAP

Mode = Literal["all", "completion"]
MIXES = ("sms", "mean250", "full512", "sms-prefix5")
MODES: tuple[Mode, ...] = ("all", "completion")


@dataclass(frozen=True)
class Case:
    """Which rows, and on which of their tokens the loss is."""

    mix: str
    mode: Mode

    @property
    def name(self) -> str:
        return f"{self.mix}/{self.mode}"


CASES = {case.name: case for case in (Case(mix, mode) for mix in MIXES for mode in MODES)}


def make_rows(
    case: Case,
    messages: Sequence[Message],
    tokenizer: PreTrainedTokenizerBase,
    *,
    seed: int,
    rows: int = ROWS,
) -> TokenFile:
    """The case's rows, and the order in which our sampler takes them in its first epoch."""
    made = _rows(case, shuffled(messages)[:rows], tokenizer)
    ids = [row.ids.tolist() for row in made]
    return TokenFile(ids, [row.targets.tolist() for row in made], _order(len(made), seed))


def make_start(model: Path, folder: Path, *, seed: int) -> Path:
    """A PEFT adapter as PEFT itself would begin it (Kaiming for A, zeros for B), drawn from `seed`."""
    from services.worker.models.quantized import nf4  # noqa: F401, I001  # lets bitsandbytes in, which PEFT imports
    from peft import LoraConfig, get_peft_model, get_peft_model_state_dict

    with torch.device("meta"):
        base = AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(model))
    config = LoraConfig(task_type="CAUSAL_LM", bias="none", **LORA)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated", FutureWarning)
        shapes = get_peft_model_state_dict(get_peft_model(base, config))
    generator = torch.Generator().manual_seed(seed)
    folder.mkdir(parents=True)
    config.base_model_name_or_path = None  # the name it was drawn for is nobody's business
    config.save_pretrained(folder)
    weights = {name: _draw(name, shape.shape, generator) for name, shape in shapes.items()}
    save_file(weights, folder / "adapter_model.safetensors", metadata={"format": "pt"})
    return folder


def random_rows(vocab_size: int, rows: int, *, seed: int) -> TokenFile:
    """Rows of messages' lengths without messages: a shared template of 40 tokens, then log-normal many."""
    draw = random.Random(seed)
    template = [draw.randrange(vocab_size) for _ in range(40)]
    lengths = [min(CAP - 40, max(4, round(math.exp(draw.gauss(3.1, 0.7))))) for _ in range(rows)]
    ids = [[*template, *(draw.randrange(vocab_size) for _ in range(length))] for length in lengths]
    return TokenFile(ids, [[False, *[True] * (len(row) - 1)] for row in ids], _order(rows, seed))


def full_rows(vocab_size: int, rows: int, *, seed: int) -> TokenFile:
    """Rows that fill the cap, of random tokens."""
    draw = random.Random(seed)
    ids = [[draw.randrange(vocab_size) for _ in range(CAP)] for _ in range(rows)]
    return TokenFile(ids, [[False, *[True] * (CAP - 1)] for _ in ids], _order(rows, seed))


def fold_into(rows: TokenFile, model: Path) -> TokenFile:
    """The same rows with ids that a model of another vocabulary has; for random weights any will do."""
    size = AutoConfig.from_pretrained(model).vocab_size
    return replace(rows, ids=[[token % size for token in row] for row in rows.ids])


def _order(rows: int, seed: int) -> list[int]:
    schedule = Schedule.of(rows, rows_per_step=ROWS_PER_STEP, seed=seed, n_epochs=1, max_steps=None)
    return [row for step in range(schedule.total_steps) for row in schedule.rows_of(step)]


def _draw(name: str, shape: torch.Size, generator: torch.Generator) -> torch.Tensor:
    if "lora_B" in name:
        return torch.zeros(shape)
    return (torch.rand(shape, generator=generator) * 2 - 1) / math.sqrt(shape[1])


def _rows(case: Case, messages: Sequence[Message], tokenizer: PreTrainedTokenizerBase) -> list[TokenRow]:
    mark_all = case.mode == "all"
    match case.mix:
        case "sms":
            return encode(messages, [CAP] * len(messages), tokenizer, mark_all)
        case "mean250":
            long = joined(messages, JOINED_CHARACTERS)
            return encode(long, _lengths(len(long), mean=250), tokenizer, mark_all)
        case "full512":
            long = joined(messages, JOINED_CHARACTERS)
            return encode(long, [CAP] * len(long), tokenizer, mark_all)
        case "sms-prefix5":
            return [_short_question(message, tokenizer, mark_all) for message in messages]
        case _:
            raise ValueError(f"mix {case.mix!r} is none of {', '.join(MIXES)}")


def encode(
    messages: Sequence[Message], limits: Iterable[int], tokenizer: PreTrainedTokenizerBase, mark_all: bool
) -> list[TokenRow]:
    """In the model's chat template; a message too long for its limit is cut, its label stays."""
    prompt, template = ClassificationPrompt(INSTRUCTION, LABELS), ChatTemplate.of(tokenizer)
    fitted = (
        prompt.fit(template, message.text, message.label, limit, mark_all=mark_all)
        for message, limit in zip(messages, limits, strict=True)
    )
    return [row[1] for row in fitted if row is not None]


def _lengths(count: int, *, mean: int) -> list[int]:
    """Log-normal as messages' lengths are, between 64 and the cap; `mean` is theirs after both limits."""
    draw, sigma = random.Random(0), 0.5
    normal = [draw.gauss(0, sigma) for _ in range(count)]

    def limited(scale: float) -> list[int]:
        return [min(CAP, max(64, round(scale * math.exp(value)))) for value in normal]

    scale = float(mean)
    for _ in range(50):
        scale *= mean * count / sum(limited(scale))
    return limited(scale)


def _short_question(message: Message, tokenizer: PreTrainedTokenizerBase, mark_all: bool) -> TokenRow:
    """No template: a prefix of five tokens, the message, its label."""
    question, text, answer = (
        tokenizer(part, add_special_tokens=False)["input_ids"]
        for part in (SHORT_QUESTION, message.text, f"\n{message.label}")
    )
    answer = [*answer, tokenizer.eos_token_id]
    text = text[: CAP - PREFIX_TOKENS - len(answer)]
    ids = [*question[:PREFIX_TOKENS], *text, *answer]
    targets = np.full(len(ids), mark_all)
    targets[-len(answer) :] = True
    targets[0] = False
    return TokenRow(np.array(ids, dtype=np.int32), targets)
