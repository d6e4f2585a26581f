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

job-failed-with = { $job } failed ({ $code }): { $message }
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
warm-up-learned-nothing = The learning rate warms up from 0 in step 1, so the adapter has learned nothing. Give more steps, or a warmup_ratio of 0.
warm-up-changed-nothing = The learning rate warms up from 0 in step 1, so step 2 began with the same weights. Give more steps, or a warmup_ratio of 0.
measured-loss-label = { $loss } after step { $step }
measured-losses-label = { $first } → { $last }
measured-losses-and-lowest-label = { $first } → { $last }; the lowest was { $lowest }
rows-learned-label = { $rows } learned from
rows-made-label = { $rows } learned from, made of the { $read_rows } that were read
tokens-read-label = { $read } read, { $learned } of them learned
time-in-all-label = { $time } in all
speed-label = { $step_time } s/it, { $rate } tokens/s
time-and-speed-label = { $time } in all, { $step_time } s/it, { $rate } tokens/s
resumed-from-label = the last attempt continued from the checkpoint of step { $step }
adapter-on-server-label = on the server, in { $folder } of its data folder
deleted-label = deleted
evaluate-held-out-label = See how well it does on the validation rows, against the base model:
evaluate-learned-label = See how well it does on the rows it learned, against the base model (rows it has not seen say more):
take-adapter-label = Take the adapter, for peft or vLLM:
