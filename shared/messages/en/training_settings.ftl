# A user's own settings of a training: what their file says, and what is wrong with it.

settings-optimizer-unknown = { $value } is the name of no optimizer of HF, LLaMA-Factory or Axolotl.
settings-schedule-unknown = { $value } is the name of no learning-rate schedule of HF, LLaMA-Factory or Axolotl.
settings-did-you-mean = { $problem } { $name } was probably meant.
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
settings-file-no-json = The file of settings is no valid JSON. Line { $line }, column { $column }: { $error }.
settings-file-no-yaml = The file of settings is no valid YAML. Line { $line }, column { $column }: { $error }.
settings-file-unreadable = The file of settings can't be read: it must be a JSON object or a YAML mapping of keys to values.
settings-file-no-keys = The file of settings has no keys: it must be a JSON object or a YAML mapping of keys to values.
settings-kind-unknown = The keys don't say which tool the file of settings is for. Say it: { $kinds_choices }.

settings-unknown-key = { $key } is no key of { $tool }. Correct it, or take it out.
settings-unknown-key-meant = { $key } is no key of { $tool }. { $name } was probably meant.
settings-two-names = { $key } is given as well as { $other }, its other name, and { $other } is { $value }. Keep one of them.
settings-not-true-or-false = { $key } must be true or false, saw { $value }.
settings-no-number = { $key } must be a number, saw { $value }.
settings-no-share = { $key } must be a share of the steps, at least 0 and less than 1, saw { $value }.
settings-both-precisions = { $key } must not be true where bf16 is. Keep one of them.
settings-required = { $key } is required by { $tool }, and has no default.
settings-no-lora = { $key } is { $value }, which trains more than a LoRA adapter. Only LoRA and QLoRA can be explained.
settings-other-training = { $key } is { $value }. Only training by the next token (supervised fine-tuning, pre-training) can be explained.
settings-other-quantization = { $key } is { $value }. Only bitsandbytes with 4 or 8 bits can be explained.
settings-qlora-without-4bit = { $key } must be true where adapter is qlora.
settings-ask-padding = The field { $field } must be given beside the file. It is in the tokenizer's call or the collator of your script, and in no file of this tool. It is max_length where rows are padded to max_seq_length (padding="max_length"), longest where to the longest row of a batch, or group_by_length or packing.
settings-ask-length = The field { $field } must be given beside the file. It is in the tokenizer's call of your script (max_length), and in no file of this tool.

settings-tool-default = { $tool } takes { $value } for { $field } where its file does not give it.
settings-default-reentrant = Version 5 of transformers uses false for use_reentrant if its file does not give it. Version 4 used true.
settings-not-in-file = { $field } is not in this file of { $tool }; the common recipe's stands in for it: { $value }. Give { $field } to change it.
settings-no-quantization = { $tool } quantizes nothing unless its file says so.
settings-auto-precision = { $tool } computes in bf16 on every card that has it, unless its file says otherwise.
settings-nothing-held-out = The file holds out no rows, so nothing is evaluated.

settings-differ-optimizer = The optimizer { $value } is not here; AdamW takes its place, and the losses follow another curve.
settings-differ-schedule = The schedule { $value } is not here ({ $ours_choices } are); cosine takes its place, and the losses follow another curve.
settings-differ-quantization = The base model's quantization is { $value } in these settings but nf4 here, so step times and losses differ.
settings-differ-key = { $key } is { $value } in these settings and { $ours } here, so that the losses follow another curve.
settings-differ-padding-free = With { $key } the rows of a batch are joined without padding; here they are padded to the longest.
settings-differ-offload = Gradient checkpointing with { $key } = { $value } also moves activations off the card, which is not done here: it is slower there, and takes less memory.

settings-ignored-model = It describes the base model, which is named by the request.
settings-ignored-data = It describes the rows, which are named by the request.
settings-ignored-reporting = It decides where progress is written, and changes no step.
settings-ignored-files = It decides what is kept where, and changes no step.
settings-ignored-devices = It is for several devices. Only training on one device is explained.
settings-ignored-kernels = It chooses kernels or compilers that are not tried here.
settings-ignored-loader = It is a detail of the data loader that is not tried here.
settings-ignored-evaluation = It decides how answers are made or evaluated, and changes no step.
settings-ignored-other-training = It belongs to another kind of training than LoRA by the next token.
