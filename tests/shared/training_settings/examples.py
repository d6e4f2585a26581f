"""A file of each tool as its users have it, written after the tool's documentation."""

HF = """{
  "output_dir": "out",
  "per_device_train_batch_size": 2,
  "gradient_accumulation_steps": 8,
  "gradient_checkpointing": true,
  "learning_rate": 2e-4,
  "lr_scheduler_type": "cosine",
  "warmup_ratio": 0.03,
  "num_train_epochs": 2.0,
  "max_steps": -1,
  "optim": "paged_adamw_8bit",
  "bf16": true,
  "fp16": false,
  "dataloader_num_workers": 0,
  "dataloader_pin_memory": false,
  "evaluation_strategy": "steps",
  "eval_steps": 0.1,
  "save_strategy": "no",
  "group_by_length": false,
  "report_to": ["tensorboard"],
  "push_to_hub": false,
  "hub_token": "hf_secret",
  "logging_steps": 10
}"""

LLAMA_FACTORY = """
### model
model_name_or_path: Qwen/Qwen2.5-1.5B-Instruct
quantization_bit: 4
quantization_method: bnb
trust_remote_code: true

### method
stage: sft
do_train: true
finetuning_type: lora
lora_rank: 16
lora_target: q_proj,v_proj

### dataset
dataset: identity,alpaca_en_demo
template: qwen
cutoff_len: 1024
max_samples: 1000
preprocessing_num_workers: 16
dataloader_num_workers: 4

### output
output_dir: saves/qwen
logging_steps: 10
save_steps: 200
plot_loss: true
overwrite_output_dir: true

### train
per_device_train_batch_size: 1
gradient_accumulation_steps: 8
learning_rate: 1.0e-4
num_train_epochs: 3.0
lr_scheduler_type: cosine
warmup_ratio: 0.1
bf16: true
ddp_timeout: 180000000
resume_from_checkpoint: null

### eval
val_size: 0.1
per_device_eval_batch_size: 1
eval_strategy: steps
eval_steps: 500
"""

AXOLOTL = """
base_model: Qwen/Qwen2.5-1.5B
load_in_8bit: false
load_in_4bit: true

datasets:
  - path: tatsu-lab/alpaca
    type: alpaca
dataset_prepared_path: last_run_prepared
val_set_size: 0.05
output_dir: ./out

adapter: qlora
sequence_len: 2048
sample_packing: false
pad_to_sequence_len: true
lora_r: 32
lora_alpha: 16
lora_dropout: 0.05
lora_target_linear: true

wandb_project:
gradient_accumulation_steps: 4
micro_batch_size: 2
num_epochs: 4
optimizer: adamw_torch
lr_scheduler: constant_with_warmup
learning_rate: 2e-4
bf16: auto
tf32: false
gradient_checkpointing: true
gradient_checkpointing_kwargs:
  use_reentrant: false
flash_attention: true
warmup_steps: 10
evals_per_epoch: 4
saves_per_epoch: 1
weight_decay: 0.0
"""
