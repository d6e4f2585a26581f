# A user's own settings of a training: what their file says, and what is wrong with it.

settings-optimizer-unknown = { $value } is not the name of an optimizer of HF, LLaMA-Factory or Axolotl.
settings-schedule-unknown = { $value } is not the name of a learning-rate schedule of HF, LLaMA-Factory or Axolotl.
settings-did-you-mean = { $problem } Did you mean { $name }?
settings-rows-per-step = The value of gradient_accumulation_steps must be smaller. With per_device_train_batch_size a step has { $rows } rows; the most is { $most }.
settings-steps-missing = { $steps } is required, because { $strategy } is steps.
settings-wrong = { $problems }
settings-more-wrong = { $count ->
    [one] One more key is wrong.
   *[other] { $count } more keys are wrong.
}

settings-file-too-long = The file of settings has { $characters } characters; the most is { $most }. Send the settings alone.
settings-file-key-twice = The file of settings has the key { $key } twice. Keep one of them.
settings-file-alias = The file of settings has an alias (*name) in line { $line }. Write the value out instead.
settings-file-no-json = The file of settings is not valid JSON. Line { $line }, column { $column }: { $error }.
settings-file-no-yaml = The file of settings is not valid YAML. Line { $line }, column { $column }: { $error }.
settings-file-unreadable = The file of settings can't be read: it must be a JSON object or a YAML mapping of keys to values.
settings-file-no-keys = The file of settings has no keys: it must be a JSON object or a YAML mapping of keys to values.
settings-kind-unknown = The keys don't show which tool the file of settings is for. Give `settings_kind`: { $kinds_choices }.
settings-kind-wrong = `settings_kind` is { $kind }, but the keys of the file are not those of { $tool }: they are those of { $seen }. Leave `settings_kind` out, or give the other file.
settings-kind-without-file = `settings_kind` is { $kind }, but there is no file of settings that it could be of. Give `settings_file`, too, or leave `settings_kind` out.

settings-unknown-key = { $key } is not a key of { $tool }. Correct it, or remove it.
settings-unknown-key-meant = { $key } is not a key of { $tool }. Did you mean { $name }?
settings-two-names = { $key } is another name of { $other }, and both are given ({ $other } is { $value }). Keep one of them.
settings-not-true-or-false = { $key } must be true or false, but is { $value }.
settings-no-number = { $key } must be a number, but is { $value }.
settings-no-share = { $key } must be a share of the steps, at least 0 and less than 1, but is { $value }.
settings-both-precisions = { $key } must not be true if bf16 is true. Keep one of them.
settings-required = { $key } is required by { $tool }, and has no default.
settings-no-lora = { $key } is { $value }, which trains more than a LoRA adapter. Only LoRA and QLoRA can be explained.
settings-other-training = { $key } is { $value }. Only training by the next token (supervised fine-tuning, pre-training) can be explained.
settings-other-quantization = { $key } is { $value }. Only bitsandbytes with 4 or 8 bits can be explained.
settings-qlora-without-4bit = { $key } must be true if adapter is qlora.
settings-ask-padding = { $field } must be given beside the file, because no file of this tool has it. Look in your script, at the call of the tokenizer or at the collator. Give max_length if rows are padded to max_seq_length (padding="max_length"), longest if they are padded to the longest row of a batch, or group_by_length or packing.
settings-ask-length = { $field } must be given beside the file, because no file of this tool has it. Look in your script, at the call of the tokenizer (max_length).

settings-tool-default = { $tool } uses { $value } for { $field } if its file does not give it.
settings-default-reentrant = Version 5 of transformers uses false for use_reentrant if its file does not give it. Version 4 used true.
settings-not-in-file = { $field } is not in this file of { $tool }, so the value of the common recipe is used: { $value }. Give { $field } to change it.
settings-no-quantization = { $tool } quantizes nothing unless its file says so.
settings-auto-precision = { $tool } computes in bf16 on every card that has it, unless its file says otherwise.
settings-nothing-held-out = The file sets no rows aside for validation, so nothing is evaluated.

settings-differ-optimizer = The optimizer { $value } is not available here. AdamW is used instead, so the losses differ.
settings-differ-schedule = The schedule { $value } is not available here (available: { $ours_choices }). The schedule cosine is used instead, so the losses differ.
settings-differ-quantization = The base model's quantization is { $value } in these settings but nf4 here, so step times and losses differ.
settings-differ-key = { $key } is { $value } in these settings but { $ours } here, so the losses differ.
settings-differ-padding-free = With { $key } the rows of a batch are joined without padding; here they are padded to the longest.
settings-differ-offload = Gradient checkpointing with { $key } = { $value } also moves activations off the card, which is not done here: it is slower there, and takes less memory.

settings-left-out = { $key } ({ $value }) is left out. { $reason }
settings-ignored-rows-of-a-step = It is not used, because gradient_accumulation_steps is given.
settings-ignored-model = It describes the base model, which the request gives.
settings-ignored-data = It describes the rows, which the request gives.
settings-ignored-reporting = It decides where progress is written, and changes no step.
settings-ignored-files = It decides what is kept where, and changes no step.
settings-ignored-devices = It is for several devices. Only training on one device is explained.
settings-ignored-kernels = It chooses kernels or compilers that are not tried here.
settings-ignored-loader = It is a detail of the data loader that is not tried here.
settings-ignored-evaluation = It decides how answers are made or evaluated, and changes no step.
settings-ignored-other-training = It belongs to another kind of training than LoRA by the next token.
