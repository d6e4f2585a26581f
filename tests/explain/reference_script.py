"""A training script as users write them: nf4, LoRA, HF Trainer, two Arrow folders, rows padded to 512.

Run as `python reference_script.py MODEL DATA OUT STEPS`; its last line on stdout is JSON: its own clock, its
losses and the real tokens of the training rows.
"""

import json
import sys
import time
from collections.abc import Callable
from typing import Any

BEGAN = time.perf_counter()

import torch  # noqa: E402
from peft import LoraConfig, get_peft_model, prepare_model_for_kbit_training  # noqa: E402
from transformers import (  # noqa: E402
    AutoModelForCausalLM,
    AutoTokenizer,
    BitsAndBytesConfig,
    DataCollatorForLanguageModeling,
    Trainer,
    TrainingArguments,
)

from datasets import load_from_disk  # noqa: E402

CLOCK = {"imports": time.perf_counter() - BEGAN}
MOST_TOKENS = 512


def timed(name: str, work: Callable[[], Any]) -> Any:
    began = time.perf_counter()
    result = work()
    CLOCK[name] = time.perf_counter() - began
    return result


def load_model(folder: str) -> Any:
    nf4 = BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16,
    )
    return AutoModelForCausalLM.from_pretrained(folder, quantization_config=nf4, device_map={"": "cpu"})


def main() -> None:
    model_folder, data, out, steps = sys.argv[1:5]
    torch.manual_seed(0)
    tokenizer = timed("tokenizer_load", lambda: AutoTokenizer.from_pretrained(model_folder))
    model = timed("model_load", lambda: load_model(model_folder))
    model.config.use_cache = False
    sets = timed(
        "dataset_load", lambda: [load_from_disk(f"{data}/{name}") for name in ("train", "validation")]
    )
    model = timed("kbit_preparation", lambda: prepare_model_for_kbit_training(model))
    lora = LoraConfig(r=8, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM")
    model = timed("lora", lambda: get_peft_model(model, lora))

    def tokenized(rows: Any) -> Any:
        return tokenizer(rows["text"], truncation=True, max_length=MOST_TOKENS, padding="max_length")

    def map_all() -> list[Any]:
        return [rows.map(tokenized, batched=True, num_proc=4, remove_columns=["text"]) for rows in sets]

    sets = timed("tokenizing", map_all)
    arguments = TrainingArguments(
        output_dir=out,
        per_device_train_batch_size=2,
        gradient_accumulation_steps=8,
        gradient_checkpointing=True,
        max_steps=int(steps),
        bf16=True,
        optim="adamw_torch",
        dataloader_num_workers=0,
        dataloader_pin_memory=False,
        logging_steps=1,
        save_strategy="no",
        report_to=[],
        use_cpu=True,
        disable_tqdm=True,
        learning_rate=1e-3,
    )
    trainer = timed(
        "trainer",
        lambda: Trainer(
            model=model,
            args=arguments,
            train_dataset=sets[0],
            eval_dataset=sets[1],
            data_collator=DataCollatorForLanguageModeling(tokenizer, mlm=False),
        ),
    )
    timed("train", trainer.train)
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    real = sum(sum(mask) for mask in sets[0]["attention_mask"])
    print(json.dumps({"clock": CLOCK, "losses": losses, "real_tokens": real}))


if __name__ == "__main__":
    main()
