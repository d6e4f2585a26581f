# What the diagnosis of a training says.

advice-checkpointing-off = Turn gradient_checkpointing off where the memory is enough: then no layer is computed twice.
advice-checkpointing-on = Leave gradient_checkpointing off. To turn it on would save memory and cost time.
advice-batch-size = Compute more rows at once and accumulate fewer micro-batches: the model learns the same.
advice-padding = Pad to the longest row of a micro-batch: the model learns the same, and empty tokens are not computed.
advice-shorter = Lower max_seq_length. Even then no row is cut.
advice-shorter-cuts = Shorter rows would cut { $rows ->
    [one] one row
   *[other] { $rows } rows
} at { $length } tokens.
advice-bf16 = Set bnb_4bit_compute_dtype to bfloat16: products in float32 take several times as long.
advice-untried = { $why } { $advice }
advice-too-large = This needs more memory than is available, so it was not timed.
advice-too-large-peak = This is predicted to need { $peak_bytes }, which is more memory than is available, so it was not tried.
advice-no-time = There was no time to try this. Give a higher value for minutes, or try it while nothing else runs.
advice-grouping = Put rows of like length together. Then the order of the rows depends on their lengths.
advice-accumulation = An update takes { $update_seconds }. Accumulating more rows saves only a little of each step, and the model then learns something different.
advice-loading = Preparing the rows of a step takes { $data_seconds }. More workers can save this time at most.
advice-model-size = One layer takes { $layer_seconds } of a step, and everything outside the layers takes { $rest_seconds }.

padding-title = { $empty_ratio } of the computed tokens are padding, which carries no text
padding-evidence = The rows have { $real_tokens } tokens, and { $computed_tokens } are computed for them. A row has { $mean } tokens on average, and { $longest } at most.
padding-remedy = Pad each micro-batch to its longest row (a collator that pads, without padding="max_length" in the tokenizer's call). The model learns the same.
padding-remedy-grouping = Put rows of like length together (group_by_length, or train_sampling_strategy: group_by_length). Then the order of the rows depends on their lengths.
padding-remedy-auto = Use the plan auto: it pads each micro-batch to its longest row, and puts rows of like length together.
recomputation-title = Gradient checkpointing computes every layer twice, and a step takes { $ratio } times as long
recomputation-evidence = A step takes { $as_is_seconds } with gradient checkpointing and { $changed_seconds } without it, measured in { $rounds } rounds on the same rows.
recomputation-evidence-predicted = A step takes { $as_is_seconds } with gradient checkpointing. Without it, { $changed_seconds } are predicted: there was no time to try it.
recomputation-remedy = Turn gradient_checkpointing off. The memory is enough, and the model learns the same.
recomputation-by-timer = { $recomputing_seconds } of a step go into computing layers again.
recomputation-remedy-untried = Turn gradient_checkpointing off if the memory is enough, or use the plan auto, which checks this. The model learns the same.
fp32-compute-title = The products are computed in float32, and a step takes { $ratio } times as long as in bfloat16
fp32-compute-evidence = A step takes { $as_is_seconds } in float32 and { $changed_seconds } in bfloat16.
fp32-compute-remedy = Set bnb_4bit_compute_dtype to bfloat16, and bf16 to true.

dequantizing-title = { $share_ratio } of a step goes into dequantizing 4-bit weights
dequantizing-evidence = Dequantizing takes { $dequantizing_seconds } of { $step_seconds }. Every micro-batch dequantizes all weights again, however few tokens it has.
dequantizing-remedy = Compute more rows at once (a larger per_device_train_batch_size) and accumulate fewer micro-batches: the model learns the same.
head-title = { $share_ratio } of a step goes into the logits and the loss
head-evidence = The logits and the loss take { $head_seconds }. Logits of { $computed_tokens } tokens are computed, and { $target_tokens } of them are learned.
head-remedy = Compute the logits of learned tokens alone, as the plan auto does.

slow-loading-title = Steps wait for their rows in { $waiting_ratio } of the time
slow-loading-evidence = Preparing the rows of a step takes { $data_seconds } of { $step_seconds }, with dataloader_num_workers at { $workers }.
slow-loading-remedy = Set dataloader_num_workers to { $workers }: then rows are prepared while the step before is computed.
slow-loading-remedy-here = Check which other programs use the processors. The worker has the rows in memory, so preparing them needs little else.

host-bound-title = The processor takes longer to launch the work than the device takes to do it
host-bound-by-profiler = In { $idle_ratio } of a step no kernel runs on the card.
host-bound-by-rows = A step takes { $as_is_seconds } with a micro-batch size of { $rows }, and only { $changed_seconds } with a size of { $more_rows }.
host-bound-remedy = Compute more rows at once (a larger per_device_train_batch_size) and accumulate fewer micro-batches: the model learns the same.

training-processor-limit-title = The limit of processors slows the steps down
training-processors-throttled = The limit of { $processors } processors was used up in { $throttled_ratio } of the scheduler's periods. The training computes with { $threads ->
    [one] one thread
   *[other] { $threads } threads
}.
threads-waited = In { $waited_ratio } of the time in which the threads of the training had work, they had to wait for a processor.
fewer-threads = Or compute with no more threads than the limit: OMP_NUM_THREADS={ $threads }.
busy-processor-title = Other programs use the processor: the training waits for it in { $waited_ratio } of its time
busy-processor-evidence = Other programs use { $others } of { $processors } processors, and this training { $own }.
busy-processor-remedy = End the other programs, or train while they don't run.
training-swapping-title = Memory is fetched back from swap while steps are computed
training-fetched-from-swap = { $fetched_bytes } were fetched back from swap within { $watched_seconds }.
training-with-less-memory = Lower per_device_train_batch_size or max_seq_length, so that the training needs less memory.

spill-title = A part of the card's data lies in main memory, and every step waits for it
spill-by-counter = { $spilled_bytes } of the card's data moved into main memory while steps were computed.
spill-by-signs = The card is full ({ $free_bytes } free), and it is busy but cool ({ $watts } W of { $limit_watts } W): it waits for data.
slower-than-predicted = A step takes { $step_seconds }, and { $predicted_seconds } were predicted for a card with room.
spill-remedy = Lower per_device_train_batch_size or max_seq_length, or turn gradient_checkpointing on, until everything fits into the card.
throttled-card-title = The card is slowed down to { $clock_ratio } of its clock
throttled-card-evidence = The card's clock fell from { $start_megahertz } to { $megahertz } MHz. The driver gives as the reason: { $reasons }.
card-heat = The card is { $celsius } °C warm and takes { $watts } W.
throttled-card-remedy-heat = Give the card more air: clean its fans, open the case, put a laptop on a stand.
throttled-card-remedy-power = Raise the card's power limit where that is allowed. On a laptop, connect the power supply and choose the full-power mode.
shared-card-title = Another process holds { $others_bytes } of the card's memory
shared-card-evidence = The card has { $memory_bytes }. This training can't use the memory that other processes hold, and they may also slow it down.
shared-card-remedy = End the other process, or move it to another card.

frequent-validation-title = Evaluation takes { $share_ratio } of the run
frequent-validation-evidence = { $count ->
    [one] One evaluation takes { $all_seconds }. The run has { $steps } steps.
   *[other] { $count } evaluations in { $steps } steps take { $all_seconds }, each { $one_seconds }.
}
validation-rows = Each evaluation computes { $rows } rows.
validation-rows-assumed = This is calculated with { $rows } rows, a tenth of the data set, because the settings do not give the number of validation rows.
frequent-validation-remedy = Evaluate every { $every } steps (eval_steps), or on fewer rows.
frequent-validation-remedy-rows = Evaluate on fewer rows, and not more often than once an epoch.
frequent-saving-title = Saving takes { $share_ratio } of the run
frequent-saving-evidence = { $count ->
    [one] One checkpoint takes { $all_seconds }. The run has { $steps } steps.
   *[other] { $count } checkpoints in { $steps } steps take { $all_seconds }, each { $one_seconds }.
}
frequent-saving-remedy = Save every { $every } steps (save_steps).
frequent-saving-remedy-here = Raise TUNEDOCK_CHECKPOINT_SECONDS.
frequent-saving-remedy-end = Save only at the end (save_strategy: epoch).

cut-answers-title = Answers not learned to their end: { $cut } of { $answers }
cut-answers-evidence = Of these answers, { $cut } lose their end and { $lost } are lost completely, because rows are cut at { $longest } tokens. A model that never sees the end of an answer does not learn to stop.
cut-answers-remedy = Raise max_seq_length, or leave such rows out.
truncated-rows-title = Rows that are cut: { $truncated } of { $rows }
truncated-rows-evidence = { $lost_tokens } tokens are lost, { $lost_ratio } of all. Rows keep { $longest } tokens at most.
truncated-rows-remedy = Raise max_seq_length, shorten the rows, or let long texts be split (long_text: split).

check-not-asked = { $looks_for } { $reason }
not-checked-no-trial = No trial measured this.
not-checked-no-timer = No timer measured this part of a step.
not-checked-no-card = There is no graphics card.
not-checked-silent-driver = The graphics card's driver does not report this.
not-checked-silent-system = This system does not report this.

explained-title = How { $model } trains, { $day }
explained-saves = This saves { $saves_seconds } of a step.

explain-with-less-memory = Lower per_device_train_batch_size or max_seq_length in the settings, or turn gradient_checkpointing on.

training-report-not-kept = The report of this training could not be kept: { $error }. The adapter and the job's result are complete.
