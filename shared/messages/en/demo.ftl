# The demo, as the terminal shows it. What ends in `-label` is a cell of a table or a heading.

demo-reports-label = Two reports, as pages to open in a browser or to pass on:
demo-load-report-label = How the model loads
demo-training-report-label = Where a training step goes
demo-report-missing = There is no page: { $reason }

demo-diagnose-title = How the model loads
demo-prepare-title = Keeping it as quantized
demo-before-title = The model as it is, on rows held out
demo-train-title = Fine-tuning
demo-after-title = The fine-tuned model, on the same rows
demo-cancelling-row = cancelling the demo's job
demo-uses-stack-row = using the stack that runs at { $url }
demo-data-missing = The demo's data { $file } is missing.
demo-data-restore = This file is part of the repository. Restore it.
demo-prepared-row = { $source } MB became { $made } MB; { $gain }
demo-gain-row = loading took { $before } s and takes { $after } s from now on
demo-gain-unmeasured-row = what loading takes from now on was not measured
demo-score-label = { $score ->
    [f1] spam F1
    [precision] precision
    [recall] recall
    [accuracy] accuracy
   *[loss] loss
}
demo-job-ended-row = { $job } was { $status }
demo-job-failed-row = { $job } failed: { $problem }
demo-held-out-label = on held-out rows
demo-before-label = before
demo-after-label = after
demo-adapter-row = The adapter is in { $folder }. To use it with peft:
demo-seconds-row = Seconds: { $times }
demo-stack-runs = The services still run. To list the jobs: ./tunedock jobs. To stop the services: ./tunedock down.
demo-done = Done in { $time }.
demo-failed = The demo failed.
