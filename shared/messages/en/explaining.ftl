# What the diagnosis of a training says.

advice-checkpointing-off = Turn gradient_checkpointing off where the memory is enough: then no layer is computed twice.
advice-checkpointing-on = Leave gradient_checkpointing off: it saves memory and costs time.
advice-batch-size = Compute more rows at once and accumulate fewer micro-batches: the same is learned.
advice-padding = Pad to the longest row of a micro-batch: the same is learned, and empty tokens are not computed.
advice-shorter = Lower max_seq_length: no row is cut.
advice-shorter-cuts = Shorter rows would cut { $rows ->
    [one] one row
   *[other] { $rows } rows
} at { $length } tokens.
advice-bf16 = Set bnb_4bit_compute_dtype to bfloat16: products in float32 take several times as long.
advice-too-large = This needs more memory than there is, so it was not timed.
advice-no-time = There was no time to try this. Raise minutes.
advice-grouping = Put rows of like length together. Then the order of the rows depends on their lengths.
advice-accumulation = An update takes { $update_seconds }. Accumulating more rows saves little of a step, and is another curve.
advice-loading = Preparing the rows of a step takes { $data_seconds }. More workers can hide no more than that.
advice-model-size = One layer takes { $layer_seconds } of a step, all that is no layer { $rest_seconds }.

padding-title = { $empty_ratio } of the computed tokens are padding and stand for nothing
padding-evidence = The rows have { $real_tokens } tokens, and { $computed_tokens } are computed for them. A row has { $mean } tokens on average, and { $longest } at most.
padding-remedy = Pad each micro-batch to its longest row (a collator that pads, without padding="max_length" in the tokenizer's call). The same is learned.
recomputation-title = Gradient checkpointing computes every layer twice, and a step takes { $ratio } times as long
recomputation-evidence = A step takes { $as_is_seconds } with it and { $changed_seconds } without, measured in { $rounds } rounds on the same rows.
recomputation-remedy = Turn gradient_checkpointing off. The memory is enough, and the same is learned.
fp32-compute-title = The products are computed in float32, and a step takes { $ratio } times as long as in bfloat16
fp32-compute-evidence = A step takes { $as_is_seconds } in float32 and { $changed_seconds } in bfloat16.
fp32-compute-remedy = Set bnb_4bit_compute_dtype to bfloat16, and bf16 to true.

explained-title = How { $model } trains, { $day }
explained-step = A step of { $rows } rows takes { $step_seconds }. The whole run of { $steps } steps takes { $run_seconds }.
explained-best = With the plan auto a step takes { $step_seconds }, and the whole run { $run_seconds }.
explained-nothing-found = No setting costs a noticeable part of a step.
explained-saves = It saves { $saves_seconds } of a step.

explain-with-less-memory = Lower per_device_train_batch_size or max_seq_length in the settings, or turn gradient_checkpointing on.
