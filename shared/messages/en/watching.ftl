# How far a job is, as the terminal shows it while it is watched.

stage-row = { $key ->
    [starting] starting
    [resolving] finding the model
    [downloading] downloading
    [importing] importing the model
    [unpacking_the_demo_model] unpacking the demo model
    [saving_the_demo_model] saving the demo model
    [waiting_for_another_process_that_prepares_this_model] waiting for another process that prepares this model
    [converting] converting
    [verifying] verifying
    [reading] reading
    [loading] loading
    [saving_the_quantized_model] saving the quantized model
    [inspecting] inspecting
    [hashing] hashing
    [measuring_storage] measuring the storage
    [asking_the_hub] asking the hub
    [trying] trying
    [checking_the_adapter] checking the adapter
    [attaching_the_adapter] attaching the adapter
    [tokenizing] tokenizing
    [planning_the_steps] planning the steps
    [predicting] predicting the run
    [training] training
    [validating] validating
    [waiting_for_disk_space] waiting for disk space
    [evaluating] evaluating
    [publishing] publishing
   *[other] { $stage }
}
job-status-row = { $status ->
    [queued] queued
    [running] running
    [pausing] pausing
    [paused] paused
    [cancelling] cancelling
    [succeeded] succeeded
    [failed] failed
    [cancelled] cancelled
   *[other] { $status }
}
queued-at-row = queued, place { $place }
queued-after-row = queued, after { $jobs }
begun-before-row = { $now } ({ $before })
paused-before-row = paused { $pauses ->
    [one] once
   *[other] { $pauses } times
}
interrupted-before-row = interrupted { $interruptions ->
    [one] once
   *[other] { $interruptions } times
}
paused-and-interrupted-row = { $paused }, { $interrupted }

steps-done-row = step { $step }/{ $steps }
rows-of-total-row = { $rows }/{ $total } rows
rows-done-row = { $rows ->
    [one] { $rows } row
   *[other] { $rows } rows
}
megabytes-of-total-row = { $done }/{ $total } MB
megabytes-done-row = { $done } MB
loss-now-row = loss { $loss }
step-time-row = { $time } s/it
tokens-rate-row = { $tokens } tokens/s
time-left-row = { $time } left
event-level-row = { $level ->
    [warn] warn
    [error] error
   *[other] { $level }
}

trying-again-row = { $problem }; trying again (the job continues)
answers-again-row = the API answers again
