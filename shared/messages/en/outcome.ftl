# What an ended job came to, as the terminal shows it. What ends in `-label` is a cell of a table or a heading.

adapter-label = adapter
loss-label = loss
model-id-label = model id
next-label = Next:
resumed-label = resumed
rows-label = rows
time-label = time
tokens-label = tokens
validation-label = validation

kind-label = kind
status-label = status
created-label = created
finished-label = finished
attempt-label = attempt
now-label = now
asked-label = Asked:
finished-after-label = { $clock }, after { $time }
accuracy-reached-label = accuracy { $accuracy }
loss-reached-label = loss { $loss }

job-failed-with = { $job } { $status ->
    [cancelled] was cancelled
   *[failed] failed
} ({ $code }): { $message }
its-events = Its events: { $command }

was-fine-tuned = { $model } was fine-tuned on { $rows ->
    [one] { $rows } row
   *[other] { $rows } rows
}.
was-fine-tuned-further = { $model } was fine-tuned on { $rows ->
    [one] { $rows } row
   *[other] { $rows } rows
}, beginning with { $start }.
the-model-label = the model
last-loss-label = { $last } in the last of { $steps ->
    [one] { $steps } step
   *[other] { $steps } steps
}
losses-label = { $first } → { $last }, in the first and the last of { $steps ->
    [one] { $steps } step
   *[other] { $steps } steps
}
not-a-number-label = not a number
warm-up-learned-nothing = The learning rate warms up from 0 in step 1, so the adapter has learned nothing. Give more steps, or --warmup-ratio 0.
warm-up-changed-nothing = The learning rate warms up from 0 in step 1, so step 2 began with the same weights. Give more steps, or --warmup-ratio 0.
measured-loss-label = { $loss } after step { $step }
measured-losses-label = { $first } → { $last }
measured-losses-and-lowest-label = { $first } → { $last }; the lowest was { $lowest }
rows-learned-label = { $rows } learned from
rows-made-label = { $rows } learned from, made of the { $read_rows } that were read
tokens-read-label = { $read } read, { $learned } of them learned
time-in-all-label = { $time } in all
speed-label = { $step_time } s a step on average, { $rate } tokens/s
time-and-speed-label = { $time } in all; { $step_time } s a step on average, { $rate } tokens/s
resumed-from-label = the last attempt continued from the checkpoint of step { $step }
adapter-on-server-label = on the server, in { $folder } of its data folder
deleted-label = deleted
evaluate-held-out-label = To compare the model with its base model on the validation rows:
evaluate-learned-label = To compare the model with its base model on the rows it learned (rows it has not seen say more):
training-page-label = To see where the time of the training went, with pictures, in one file to open or pass on:
take-adapter-label = To download the adapter, for peft or vLLM:

skipped-rows-label = { $rows ->
    [one] { $rows } row
   *[other] { $rows } rows
} skipped: { $reasons }
skipped-within-limit-label = { $rows ->
    [one] { $rows } row
   *[other] { $rows } rows
} skipped: nothing to learn within { $limit } tokens
refused-turns-label = turns not learned: { $reasons }
counted-reason-label = { $reason } ({ $count })
other-reasons-label = { $count ->
    [one] and { $count } other reason
   *[other] and { $count } other reasons
}
cut-rows-label = { $rows ->
    [one] { $rows } row
   *[other] { $rows } rows
} cut at { $limit } tokens
cut-rows-and-longest-label = { $cut } (the longest has { $longest })
lost-tokens-label = { $cut }: { $lost } of { $whole } tokens lost ({ $share })
lost-answers-label = { $lost } of { $answers } answers not learned at all
endless-answers-label = { $count } not learned to their end
split-texts-label = { $texts ->
    [one] { $texts } long text
   *[other] { $texts } long texts
} split into several rows, without any loss
unrolled-rows-label = { $conversations ->
    [one] { $conversations } conversation
   *[other] { $conversations } conversations
} learned as one row for each answer
ends-added-label = { $rows ->
    [one] { $rows } row
   *[other] { $rows } rows
} given an end token, which the template does not write
thoughts-left-label = { $thoughts ->
    [one] { $thoughts } thought
   *[other] { $thoughts } thoughts
} not learned: the template leaves them out
words-unwritten-label = the template leaves out the messages of `{ $role }`: { $rows ->
    [one] { $rows } row
   *[other] { $rows } rows
}

accuracy-label = accuracy
macro-f1-label = macro F1
evaluated-on-label = { $model } on { $rows ->
    [one] { $rows } row
   *[other] { $rows } rows
}
default-model-label = the default model
right-answers-label = { $accuracy } ({ $right } of { $rows } right)
compared-before-label = before
compared-after-label = after
change-label = change
before-was-label = before: { $model }
after-was-label = after:  { $model }
choices-differ-label = the model chose from { $before ->
    [one] { $before } label
   *[other] { $before } labels
} before, and from { $after ->
    [one] { $after } label
   *[other] { $after } labels
} after
matrix-label = true ↓  answered →
frequent-mistakes-label = Most frequent mistakes:
no-mistakes = No mistakes.
mistake-label = { $count } × { $label } answered as { $answer }
mistakes-left-label = { $count ->
    [one] and { $count } other confusion
   *[other] and { $count } other confusions
}; --json has the whole matrix
label-label = label
precision-label = precision
recall-label = recall

model-is-prepared = { $model } is prepared.
copy-label = copy
pickles-label = pickles
cold-load-label = cold load
converted-label = converted to safetensors
no-copy-label = none: its weights are 4 bits already
copy-written-label = { $source_bytes } became { $copy_bytes }, written in { $write_seconds }
copy-was-there-label = { $source_bytes } became { $copy_bytes }, which was there already
load-now-label = { $after_seconds }
load-faster-label = { $before_seconds } → { $after_seconds }
load-and-limit-label = { $load }; the disk's limit is { $limit_seconds }
rendered-rows-label = To see rows as the model reads them, with the learned stretches marked:
report-page-label = To write this report with pictures, in one file to open or pass on:

dry-run-reached-label = dry run
dry-run-head-label = Nothing was trained. { $model } would be fine-tuned like this:
dry-run-rows-label = { $rows } learned from, { $cut_ratio } of them cut
dry-run-tokens-label = { $mean } in a row on average; half of the rows have up to { $p50 }, 95% up to { $p95 }, the longest { $longest }
plan-label = plan
steps-label = steps
dry-run-plan-label = up to { $tokens } tokens at once, gradient checkpointing { $checkpointing }, { $layers ->
    [own] Tunedock's own layers
   *[model] the model's own layers
}
dry-run-steps-label = { $steps }, of { $rows } rows each
dry-run-time-label = { $step_seconds } a step, { $time } in all (predicted)
dry-run-peak-label = up to { $peak_bytes } (predicted)
dry-run-memory-label = up to { $peak_bytes } (predicted) of { $limit_bytes }
dry-run-memory-beyond-label = { $peak_bytes } (predicted), more than the available { $limit_bytes }
dry-run-parts-label = { $parts }
weights-piece = weights { $held_bytes }
embedding-piece = embedding { $held_bytes }
adapter-and-optimizer-piece = adapter and optimizer { $held_bytes }
activations-piece = activations { $held_bytes }
logits-piece = logits { $held_bytes }
context-piece = everything else { $held_bytes }
not-predicted-label = not predicted; the job's events say why
dry-run-events-label = To see the messages of the dry run:
