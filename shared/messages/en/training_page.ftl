# The report of a training, as text and as a page: its verdict, its figures, its pictures and its tables.

## the verdict
padding-is-the-verdict = { $empty } of 100 computed tokens are empty. Pad to the longest row: { $step_seconds } → { $then_seconds } a step, { $learning }.
recomputation-is-the-verdict = Every layer is computed twice. Turn gradient_checkpointing off: { $step_seconds } → { $then_seconds } a step, { $learning }.
fp32-is-the-verdict = The products are computed in float32. Compute them in bfloat16: { $step_seconds } → { $then_seconds } a step, { $learning }.
finding-with-saving-is-the-verdict = { $title }. Without that, a step takes { $then_seconds } instead of { $step_seconds }.
finding-between-steps-is-the-verdict = { $title }. Without that, the whole run takes { $then_run_seconds } instead of { $run_seconds }.
finding-is-the-verdict = { $title }.
failed-after-steps-is-the-verdict = The job failed after { $made } of { $steps } steps. { $message } { $remedy }
failed-early-is-the-verdict = The job failed before a step was timed. { $message } { $remedy }
cancelled-after-steps-is-the-verdict = The job was cancelled after { $made } of { $steps } steps.
cancelled-early-is-the-verdict = The job was cancelled before a step was timed.
healthy-training-is-the-verdict = No setting costs a noticeable part of a step. The median step takes { $step_seconds }, and { $real } of 100 computed tokens are real.
same-learning-piece = and the model learns the same
other-learning-piece = but the model learns something different
all-together-label = All changes together
the-device-label = The device
run-with-auto-row = { $steps } steps: { $run_seconds } as configured, { $best_run_seconds } with the plan auto

## figures
a-step-figure-label = A step
step-figure-row = { $rows ->
    [one] 1 row
   *[other] { $rows } rows
}, { $real } of its tokens real
whole-run-figure-label = The whole run
made-steps-row = { $made } of { $steps } steps
no-step-timed-row = no step was timed
steps-row = { $steps ->
    [one] 1 step
   *[other] { $steps } steps
}
auto-figure-label = The run with plan auto
auto-figure-row = { $step_seconds } a step, { $times } times as fast
auto-untried-row = it was not tried
loss-figure-label = Loss at the end
first-loss-row = { $first } at the beginning
no-loss-row = no loss was recorded
peak-figure-label = Peak of memory
peak-unmeasured-row = not measured
of-limit-row = of { $limit_bytes } available

## text
step-label = step
whole-run-label = whole run
rows-in-seconds-row = { $rows ->
    [one] 1 row
   *[other] { $rows } rows
} in { $step_seconds }{ $steps ->
    [0] {""}
    [one] {""}
   *[other] , the median of { $steps } steps
}
run-until-it-ended-row = { $made } of { $steps } steps in { $run_seconds }
run-of-steps-row = { $steps } steps in { $run_seconds }
real-tokens-row = { $real } of 100 computed are real; a row has { $mean } on average, { $longest } at most
peak-of-limit-row = { $peak_bytes } at its peak, of { $limit_bytes }
peak-row = { $peak_bytes } at its peak
device-name-row = { $device }
device-peak-row = { $device } reaches { $peak } when it only multiplies matrices
device-share-row = { $device } reaches { $peak } when it only multiplies matrices; a step reaches { $reached_ratio } of that
training-finding-title = { $title } ({ $severity })
where-a-step-goes-title = Where a step goes
stages-title = The stages of the run
factors-in-lines-title = How long a step takes after one change, and how many times as fast it then is
a-step-label = a step
as-fast-label = times as fast
starred-are-other-curves = A star (*) marks a change with which the model learns something different.
path-title = From your settings to the plan auto, in time of all steps
notes-title = Settings that were assumed, left out or changed

## words of the report
factor-label = { $factor ->
    [padding] padding
    [gradient_checkpointing] checkpointing
    [batch_size] batch size
    [gradient_accumulation] accumulation
    [data_loading] data workers
    [sequence_length] length
    [precision] precision
    [model_size] layers
    [device] device
   *[other] { $factor }
}
basis-label = { $basis ->
    [measured] measured
    [counted] counted
    [predicted] predicted
    [does_not_fit] does not fit
    [not_tried] not tried
   *[other] { $basis }
}
learns-the-same-label = learns the same
learns-otherwise-label = learns differently
interval-row = { $low } to { $high } in { $rounds } rounds
phase-of-step-label = { $phase ->
    [data] data
    [copy] copy
    [forward] forward
    [recomputation] computed twice
    [backward] backward
    [dequantizing] dequantizing
    [head_and_loss] head and loss
    [optimizer] optimizer
    [logging] logging
    [rest] not timed
    [computing] forward and backward
    [empty] empty tokens
   *[other] { $phase }
}
stage-of-run-label = { $stage ->
    [model_load] model load
    [data_load] data set load
    [kbit_preparation] k-bit preparation
    [lora] LoRA
    [tokenizing] tokenizing
    [collating] collating (within training)
    [set_up] set-up
    [training] training
    [unseen] not timed
   *[other] { $stage }
}
between-steps-label = { $what ->
    [validation] validation
    [saving] saving
    [reporting] reporting
    [other] other
   *[another] { $what }
}
change-on-the-path-label = { $change ->
    [as_configured] as configured
    [plan_auto] plan auto
   *[other] { $text }
}
memory-part-label = { $part ->
    [weights] weights
    [embedding] embedding
    [adapter_and_optimizer] adapter and optimizer
    [activations] activations
    [logits] logits
    [context] driver and libraries
   *[rest] not separated
}
disturbed-label = { $what ->
    [validation] validation
    [saving] saving
    [throttled] throttled
    [spilled] spilled
    [drift] drift
    [out_of_memory] memory that ran out
   *[other] { $what }
}
predicted-quantity-label = { $quantity ->
    [step_seconds] a step on average
    [peak_memory_bytes] peak of memory
    [run_seconds] the whole run
   *[other] { $quantity }
}{ $when ->
    [start] {""}
   *[other] {" "}(predicted after { $when })
}
run-part-label = { $part ->
    [steps] its steps
    [validation] its validations
    [saving] saving
    [reporting] reporting
    [other] everything else
   *[another] { $part }
}

## headings, tables and pictures
how-it-trains-title = How { $model } trains
training-report-title = { $kind ->
    [fine_tuning] Fine-tuning
   *[training_diagnostic] Training diagnosis
}
savings-title = What would save time
largest-step-saving-first = The most serious findings come first, then those that save most of a step.
a-step-now-label = a step now
a-step-then-label = then
a-run-now-label = the run now
evidence-title = Evidence
no-check-found-waste = No check found anything that slows this training down.
passed-checks-title = Checks that found nothing ({ $checks })
not-checked-title = Not checked ({ $checks })
how-a-step-was-split = { $how ->
    [profiler] The median of { $steps } steps; the profiler split forward and backward on { $profiled } more.
   *[timers] The median of { $steps } timed steps.
}
waste-is-hatched = Hatched parts compute nothing useful. Grey parts only wait. An empty token is assumed to take as long as any other token.
step-as-it-is-title = As it is
step-after-title = After: { $change }
first-remedy-label = the first remedy
parts-after-in-proportion = Both bars have the same scale. The length of the second bar is known. Its parts are estimated: they are the parts above without the waste, in the same proportion.
phases-of-the-step-title = A step by phase
seconds-label = time
share-label = share
of-it-empty-label = in empty tokens
what-each-factor-costs-title = What each factor costs
how-factors-are-read = Only one setting is changed at a time, on the same rows. To the right of ×1 the change makes a step faster. The thin line is the 95% confidence interval of the ratio.
same-as-table-title = The same as a table
setting-label = setting
peak-memory-label = peak of memory
how-the-path-is-read = The gains of several changes can't be added, so each change is timed together with those before it. The dashed part is the time that it saves of the whole run.
a-step-takes-row = a step takes { $took }
the-steps-title = The steps
loss-plot-title = Loss
training-loss-label = training
validation-loss-label = validation
loss-plot-words = The loss goes from { $first } to { $last } at step { $step }.
step-axis-label = step
time-plot-title = Seconds of a step
how-the-time-plot-is-read = Each dot is a step: its seconds against its computed tokens. Dots close to one straight line are normal. Steps far above it took too long. A sign marks a step at which something else happened, such as a checkpoint after it.
time-plot-words = { $steps ->
    [one] 1 step
   *[other] { $steps } steps
}; something else happened at { $disturbed } of them.
tokens-axis-label = computed tokens
disturbed-steps-label = what happened
held-up-by-label = what happened
tokens-real-and-computed-title = Tokens, real and computed
parts-up-to-the-peak = The parts of { $peak_bytes }, the peak of a step.
parts-beyond-the-peak = The parts were predicted to be { $parts_bytes } in all. The peak of a step was { $peak_bytes }.
memory-by-part-title = Memory by part
memory-limit-label = limit
memory-device-label = total memory
predicted-against-measured-title = Predicted against measured
how-predictions-are-read = The middle is the prediction. The grey band is the error that was allowed for: 15% for times, and 10% for memory and for the run after it began.
pale-dots-are-other-jobs = Pale dots are other fine-tunings of this service.
other-jobs-within-row = { $others ->
    [one] { $right } of 1 other job within the band
   *[other] { $right } of { $others } other jobs within the band
}
run-adds-up-from-title = The parts of the whole run
most-of-the-error-row = most of the error
off-label = difference
how-stages-are-read = { $whole } in all.
not-timed-row = not timed
between-the-steps-title = Between the steps
left-out-title = What is not on this page

## facts
data-set-group-title = Data set
device-group-title = Device
settings-group-title = Settings
plan-group-title = Plan
real-tokens-label = real tokens
computed-tokens-label = computed tokens
learned-tokens-label = learned tokens
read-tokens-label = read, not learned
empty-tokens-label = empty tokens
row-lengths-label = tokens of a row
row-lengths-row = { $mean } on average, half have at most { $p50 }, 95 of 100 at most { $p95 }, the longest { $longest }
truncated-label = cut rows
truncated-row = { $rows ->
    [one] 1 row
   *[other] { $rows } rows
}, { $lost } tokens lost, { $answers } answers
matrix-peak-label = peak of matrix multiplication
fp32-peak-label = float32 peak
step-reaches-label = a step reaches
memory-speed-label = memory reads at
power-label = power
clock-label = clock
temperature-label = temperature
throttled-label = throttled by
shared-memory-label = in main memory
other-processes-label = other processes
processor-share-label = processor got
processor-limit-label = processor limit
swapped-in-label = read from swap
compute-dtype-label = products in

## what is left out
no-phases-of-a-step = Where a step goes: the phases were not timed.
no-factors-tried = What each factor costs: nothing was tried.
no-factors-in-a-run = What each factor costs: a fine-tuning tries nothing. A diagnosis does: ./tunedock diagnose --training.
no-way-to-auto = From your settings to the plan auto: there was no time to try it. Give a higher value for minutes.
nothing-was-predicted = Predicted against measured: nothing was predicted.
trials-train-nothing = Loss and seconds of each step: the trials of a diagnosis train nothing.
too-few-steps = Loss and seconds of each step: there were too few steps to draw.
no-validation-rows = Validation loss: there were no validation rows.
memory-not-measured = Memory: it was not measured.

## checks that found nothing
check-looks-for = { $check ->
    [padding] Rows padded with tokens that carry no text.
    [recomputation] Layers computed twice although the memory is enough.
    [fp32-compute] Products in float32 instead of bfloat16.
    [dequantizing] 4-bit weights dequantized for few tokens at once.
    [head] Logits computed where nothing is learned.
    [shared-card] Another process holds a large part of the card's memory.
    [spill] The card's data in main memory, where Windows puts what does not fit.
    [throttled-card] A clock that power or heat lowers during the run.
    [swapping] Memory fetched back from swap while steps are computed.
    [processor-limit] A container's limit of processors reached in many periods.
    [busy-processor] Other programs take the processors.
    [host-bound] The device waits for work to be launched.
    [slow-loading] The step waits for its rows to be prepared.
    [frequent-validation] Evaluation takes a large part of the run.
    [frequent-saving] Saving takes a large part of the run.
    [cut-answers] Answers whose end or whole is not learned.
    [truncated-rows] Rows cut at max_seq_length.
   *[other] { $check }
}
