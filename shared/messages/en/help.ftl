# What `./tunedock help` says: the commands, and what each takes. These are no sentences but rows of a list.

usage-label = usage:
help-arguments-label = arguments
help-options-label = options
help-commands-label = commands
service-elsewhere-label = a service elsewhere
hyperparameters-label = hyperparameters
training-group-label = training
training-group-row = of a training instead of a load
program-purpose = Fine-tunes language models with adapters on one machine, and explains why loading and training take long.
program-help = `./tunedock help COMMAND` says what a command takes. ID is a job's id, the first characters of one, or `last`.
help-help-row = show this help and end
help-version-row = show the version and end
help-json-row = write JSON to stdout, for machines
help-server-row = its address, for example http://host:8080; also TUNEDOCK_SERVER
help-key-option-row = its API key; also TUNEDOCK_API_KEY, which other users of this machine can't see
help-default-row = default: { $default }
help-and-default-row = { $help }; default: { $default }

## the commands
help-demo-row = diagnose, fine-tune and evaluate a small model on sample data, without anything else to install
help-demo-json-row = write the results to FILE (-: stdout)
help-demo-keep-row = keep the service running afterwards
help-up-row = run store, API and worker until Ctrl-C; each is restarted if it ends unexpectedly
help-down-row = stop the service that runs on this data folder
help-train-row = fine-tune a model on a file, or on a data set of the server
help-prepare-row = keep a 4-bit copy of a model, so that it loads sooner
help-diagnose-row = find out why a model loads slowly or not at all; or why its training is slow
help-check-data-row = say what is wrong or odd in a file of rows, with line numbers; with --model also how the model reads them
help-checked-file-row = rows to look at, or the id of an upload; a file is read here, without the service
help-checked-validation-row = rows that the loss would be measured on; they are compared with the others
help-check-model-row = a base model: the service then shows the rows as tokens, what is cut of them, and which stretches are learned
help-evaluate-row = measure how well a model or an adapter does on rows it has not seen
help-jobs-row = list jobs, newest first
help-show-row = show a job's record and result
help-report-row = print a job's report, or write it as a page with pictures
help-events-row = print a job's events, oldest first
help-cancel-row = cancel a job
help-pause-row = let a job save a checkpoint, stop and free the device
help-pause-all-row = pause what runs, and let no job start until resume --all
help-resume-row = let a paused job continue where it stopped
help-move-row = move a queued job in the queue, or change its priority
help-move-first-row = let it start next
help-move-last-row = let it start after all others
help-move-before-row = let it start right before this queued job
help-move-behind-row = let it start right after this queued job
help-move-up-row = N places towards the front
help-move-down-row = N places towards the back
help-move-priority-row = give it this priority: -100 to 100, higher first
help-priority-row = jobs of a higher priority start first: -100 to 100; default: 0
help-webhook-row = tell this address once the job has ended; signed (`key --webhooks` prints the secret)
help-after-row = start once these jobs have succeeded; if one fails or is cancelled, this one is cancelled
help-resume-all-row = let jobs start again; jobs that were paused one by one stay paused
help-download-row = write a finished job's adapter into a folder
help-models-row = list fine-tuned models, newest first, then base models
help-files-row = list uploaded files, newest first
help-webhooks-row = list what addresses were told of jobs that ended, newest first
help-delete-row = delete jobs that have ended, fine-tuned models or uploaded files permanently
help-prune-row = delete the oldest jobs that have ended
help-doctor-row = find out what is wrong with this installation, and what to do
help-key-row = print the API key of this installation
help-explain-row = run your own training program unchanged, and say how its model loads and what its steps spend their time on
help-completion-row = print the script that makes a shell complete commands, options and ids
help-completion-shell-row = your shell: bash, zsh or fish
help-completion-example = For this session: source <(./tunedock completion bash), or in fish ./tunedock completion fish | source. For every session put that line, with the whole path of the command, into ~/.bashrc, ~/.zshrc (after compinit) or ~/.config/fish/config.fish.
help-bench-row = repeat the published numbers on this machine: { $names }
help-check-row = check the code: lint, types and import contracts
help-test-row = run the tests; other arguments are passed to pytest
help-guide-row = say what the commands do, or what one takes
help-guide-about-row = the command to explain; without it, all are listed

## options that several have
help-detach-row = only submit, do not watch; prints the id
help-verbose-row = also print the details of events, such as each speed-up of the plan
help-webhooks-resend-row = send this delivery once more, now
help-webhooks-limit-row = how many of the newest
help-metadata-row = kept with the job; repeatable
help-columns-row = column NAME of your file holds FIELD, as in text=comments; repeatable; FIELD is { $field_choices }
help-model-row = base model: hub id or model folder of the server; not needed with --adapter; default: the server's TUNEDOCK_DEFAULT_MODEL, { $model } unless it is set
help-loaded-model-row = hub id or model folder of the server
help-dataset-row = a data set of the server, instead of FILE
help-file-row = rows to upload, or the id of an upload
help-job-id-row = id of a job or of a fine-tuned model, or the first characters of one; { $last }: the newest { $kind ->
    [any] job
   *[fine_tuning] fine-tuning job
}
help-yes-row = do not ask
help-backup-row = write jobs, files and adapters into one file, while the service runs
help-backup-file-row = the file to write, which must not exist, or - for the standard output
help-no-checkpoints-row = leave out checkpoints, from which jobs that have not ended continue
help-with-models-row = include the quantized copies of base models, which can be made again
help-restore-row = bring back what a backup holds, into an empty data folder or in place of what is there
help-restore-file-row = a file that backup wrote, or - for the standard input
help-replace-row = set aside what the data folder holds now
help-repair-row = compare store, disk and jobs with each other, say what disagrees, and mend it if you agree

## train, prepare, diagnose, evaluate
help-training-file-row = rows to upload and learn, or the id of an upload
help-validation-file-row = rows that the loss is measured on, but not learned
help-validation-dataset-row = the same, on the server
help-start-adapter-row = begin with this fine-tuned model or checkpoint: its id, or its job's first characters, or last; training starts once that job has succeeded
help-plan-row = auto, baseline, or tokens_per_micro_batch=N[,gradient_checkpointing=true]
help-suffix-row = part of the fine-tuned model's id
help-move-cache-row = first move the model's cache to this storage of TUNEDOCK_STORAGES, or back to `default`
help-warm-page-cache-row = read it into memory's page cache too
help-same-as-model-row = the same as MODEL above
help-cold-row = first drop the model's files from memory, as after a restart
help-trial-load-row = also load the model (default); otherwise it is only inspected
help-training-dataset-row = a data set of the server to train on
help-settings-file-row = your own file: a TrainingArguments JSON, or the YAML of LLaMA-Factory or Axolotl
help-setting-row = a setting in the words of HF TrainingArguments, as in padding=longest; repeatable
help-evaluated-adapter-row = a fine-tuned model's id, or the job that makes it, or its first characters; last: the newest; the evaluation starts once that job has succeeded
help-compare-row = with --adapter: first evaluate the base model on the same rows

## jobs and what they made
help-jobs-kind-row = only jobs of this kind
help-jobs-status-row = only jobs with this status; queued: in the order in which they would start
help-jobs-limit-row = at most N jobs (20)
help-jobs-all-row = all jobs
help-jobs-metadata-row = only jobs submitted with this --metadata; may be repeated, and pairs combine
help-jobs-watch-row = keep the list up to date until Ctrl-C; where the output is no terminal, one line for each job that changes
help-report-html-row = write the page here, for a browser; -: to stdout
help-events-follow-row = follow the job until it ends
help-download-folder-row = a new or empty folder
help-download-step-row = of the checkpoint of step N, not of the end
help-download-names-row = with the names of the original layers, or of the Llama classes where training used those; default: original
help-delete-ids-row = a job's id or the first characters of one (it goes with all it made), a fine-tuned model's id (ft:…: its adapter goes, the job's record stays), or a file's id (file-…)
help-dry-run-row = only show what would be deleted, and why
help-keep-jobs-row = keep the newest N of the jobs that ended
help-keep-days-row = keep those that ended in the last N days
help-keep-bytes-row = keep the newest that fit into N bytes
help-prune-adapters-row = also jobs with an adapter or a checkpoint

## this installation
help-grafana-row = print the password of Grafana's user admin instead
help-key-webhooks-row = print the secret that webhooks are signed with instead; it is made now if there is none
help-explain-json-row = write the report to FILE instead of a file named by time
help-explain-program-row = python, its script and their arguments
