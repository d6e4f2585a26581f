# What a fine-tuning job says.

training-continues-adapter = Training begins with the weights of { $adapter }.
resumed = The run continues from the checkpoint of step { $step }.
checkpoints-rejected = Some checkpoints can't be used. { $reasons } The run starts from step { $step }.
checkpoint-damaged = The checkpoint of step { $step } is damaged.
checkpoint-of-other-run = The checkpoint of step { $step } was made with other rows, settings or base model.
checkpoint-without-optimizer = The checkpoint of step { $step } lost its optimizer state when the job ended.

plan-changed = The run continues with a different plan than it began with. { $reason } The model learns the same, but the adapter can differ in its last digits from one made with the first plan.
kept-plan-unreadable = The checkpoint's plan can't be read ({ $field }: { $error }).
kept-plan-of-other-version = The plan was kept by another version. These fields differ: { $fields }.
kept-plan-incomplete = The checkpoint's plan lacks { $fields }.
own-layers-off = The plan began with Tunedock's own layers, and they are off now. { $reason }
own-layers-not-wanted = The plan began with Tunedock's own layers, and they are not wanted now.
plan-memory-too-small = Only { $free_bytes } of memory are free now. Changed: { $changes }.

step-done = Step { $step } of { $total_steps }: the loss is { $loss }.
step-done-without-loss = Step { $step } of { $total_steps }: the loss is not a number.
validation-loss = The validation loss after step { $step } is { $loss }.
first-row = This is the first row. The learned parts are in ⟦ ⟧: { $row }
layers-left-out = The layers { $layers } get no adapter, because the model's own kernels would not use it.
bf16-emulated = { $device } has compute capability { $compute_capability }, which has no bf16 arithmetic (it begins with 8.0, Ampere). It is emulated: the results are correct, but the steps are slow.
model-sees-ahead = { $model } is a { $model_class }. Given text alone it sees the words that follow, so it would read the answers that it is to learn.

step-ran-out = Step { $step } ran out of memory { $at } ({ $error }). Without this step, { $free_bytes } are free. { $changes } The whole step is computed again, with the same rows.
step-never-fits = Step { $step } does not fit into the memory of the { $device }. { $tries }
validation-ran-out = The validation after step { $step } ran out of memory { $at } ({ $error }). Without the validation, { $free_bytes } are free. This changes only validations: { $changes } The whole validation is computed again.
validation-never-fits = The validation after step { $step } does not fit into the memory of the { $device }. { $tries }
in-micro-batch-piece = in micro-batch { $number } of { $of }
out-of-micro-batches-piece = after its micro-batches
before-micro-batches-piece = before its first micro-batch
micro-batch-ran-out = A try with { $rows ->
    [one] 1 row
   *[other] { $rows } rows
} of { $tokens } tokens at once, { $recomputed ->
    [0] no layer computed twice
    [one] every layer computed twice
   *[other] one layer in { $recomputed } computed twice
}, ran out of memory although { $free_bytes } were free ({ $error }).
micro-batch-takes-by-estimate = By the estimate it takes { $wanted_bytes }.
micro-batches-halved = From here on a micro-batch has at most { $tokens } tokens.
micro-batches-of-fewer-rows = From here on a micro-batch has at most { $rows ->
    [one] 1 row
   *[other] { $rows } rows
}.
all-layers-recomputed = From here on all layers are computed again in the backward pass.
weights-let-go = From here on the 4-bit weights are dequantized for each use.
weights-were-in-the-way = A step ran out of memory while the dequantized weights were kept in memory.
dropout-draws-anew = When rows are split differently, dropout uses other random numbers, so the losses differ from those of a run without this change.

run-spills = At step { $step } a part of the card's data lies in main memory, and every step waits for it. { $evidence } Close other programs that use the card. If that is not enough, raise TUNEDOCK_GPU_RESERVE_BYTES, so that jobs use less of its memory, or lower max_seq_length.
run-spill-by-signs = Only { $free_bytes } of the card are free, a step takes { $slow }, and the card takes { $watts } W instead of up to { $usual_watts } W: it waits for data.
slower-than-predicted-piece = { $times } times as long as predicted
slower-than-at-the-start-piece = { $times } times as long for a token as at the start of the run
run-throttled = At step { $step } the card's clock is { $megahertz } MHz, and it was { $start_megahertz } MHz at the start of the run. The driver's reason: { $reasons }. { $remedies }
reason-not-told-piece = not given
run-slows-down = At step { $step } a computed token takes { $times } times as long as at the start of the run. Check whether another program uses the card, the processor or the memory, and whether the machine is hot. The rows are not the reason: longer ones are counted as more tokens.

training-diverged = The loss or its gradient was not a number in { $steps ->
    [one] the step
   *[other] the { $steps } steps
} up to { $step }.
lower-learning-rate = Lower hyperparameters.learning_rate ({ $learning_rate }) or raise warmup_ratio ({ $warmup }).
lower-constant-learning-rate = Lower hyperparameters.learning_rate ({ $learning_rate }), or let it warm up: lr_scheduler_type constant_with_warmup.
train-with-less-memory = Lower hyperparameters.max_seq_length, or choose a plan that needs less memory, for example { $setting }.

disk-full-result-waits = The disk of the data folder is full, read-only or failing ({ $error }). Free space there. The result is saved as soon as it can be written.
checkpoint-not-written = There is no checkpoint at step { $step }: the disk of the data folder is full, read-only or failing, or something else stands in its place ({ $error }). Free space there. A restart would go back to step { $saved_step }.
disk-full-rows-not-kept = The disk is full, so the rendered rows are not kept. A run that is resumed renders them again.
place-of-adapter-taken = A file or a link had the name `{ $name }` in the job's folder. It is called `{ $aside }` now.
adapter-not-saved = The adapter could not be saved: { $error }
free-data-folder-and-submit = Free space in the data folder and submit the job again.

predicted = A step is predicted to take { $step_seconds }, and the whole run { $run_seconds }. The memory is predicted to reach { $peak_bytes }.
not-predicted = The time and memory of this run could not be predicted ({ $reason }). The run starts anyway.
predicted-beyond-memory = This run is predicted to need { $peak_bytes } of memory, but only { $limit_bytes } are available. Lower max_seq_length, or free memory.
