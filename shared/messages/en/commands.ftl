# What the commands at the terminal say: of submitting, lists, deleting and files.

## submitting and watching
submitting-row = submitting
examining-row = reading { $file }
uploading-row = uploading { $file }
default-model-taken = No --model was given, so the server's default model is used: { $model }.
file-not-read = The file { $file } can't be read: { $error }.
level-and-text-row = { $level }: { $text }
job-is-row = { $job } is { $status }
job-is-already = { $job } is { $status } already. Nothing was changed.
job-goes-on-row = { $job } continues on the server. To watch the job: { $show }. To cancel the job: { $cancel }
wants-one-source = The command { $command } needs either { $option } or --dataset NAME, but { $seen ->
    [both] both were given
   *[neither] neither was given
}.
see-help-row = See: ./tunedock { $command } --help
one-validation-source = Give --validation-file or --validation-dataset, not both.
one-checked-validation = Give --validation or --validation-dataset, not both.
compare-wants-adapter = The option --compare compares an adapter with its base model.
name-adapter = Give the adapter's id with --adapter ID.
compare-waits = With --compare the command waits for both evaluations, so --compare and --detach can't be used together.
the-base-model-row = The base model:
the-adapter-row = The adapter:

## lists
column-label = { $column ->
    [id] ID
    [kind] KIND
    [status] STATUS
    [created] CREATED
    [model] MODEL
    [progress] PROGRESS
    [from] FROM
    [size] SIZE
    [uploaded] UPLOADED
    [name] NAME
    [on-disk] ON DISK
    [why] WHY
    [tries] TRIES
    [next-try] NEXT TRY
    [address] ADDRESS
   *[other] { $column }
}
no-jobs-row = no jobs
no-files-uploaded = No files are uploaded.
model-origin-row = { $origin ->
    [training] a training here
    [folder] models folder
    [demo] Tunedock's packages
   *[hub] Hugging Face hub
}

## reports and downloads
two-writers-to-stdout = Both --html - and --json write to stdout.
name-file-for-page = Give the name of a file for the page.
page-not-written = The file { $file } can't be written: { $error }.
to-have-it-here-row = To download to this machine: { $command }
name-another-file = Give the name of another file.
page-written-row = written to { $file }; open it in a browser
two-steps-named = The model's name says step { $named }, and --step says { $given }. Give one of them.
files-downloaded-row = { $files ->
    [one] { $files } file
   *[other] { $files } files
} in { $folder }

## deleting
delete-for-good-row = Delete this permanently?
delete-jobs-for-good-row = Delete these jobs permanently?
no-terminal-to-ask = Nothing was deleted. The command asks first, and there is no terminal where it can ask.
add-yes-row = To delete these permanently, add --yes:
add-yes-or-dry-run = To delete these jobs permanently, add --yes. To see only what would be deleted, add --dry-run.
type-yes-row = Type yes to continue:
nothing-deleted-row = nothing was deleted
is-deleted-row = { $name } is deleted
perhaps-deleted-row = { $kind ->
    [jobs] It may have been deleted already. List the jobs: ./tunedock jobs
    [models] It may have been deleted already. List the models: ./tunedock models
   *[files] It may have been deleted already. List the files: ./tunedock files
}
is-not-deleted-row = { $name } is not deleted: { $reason }
looking-at-ended-jobs-row = looking for ended jobs that can be deleted
deleting-jobs-row = deleting { $jobs ->
    [one] { $jobs } job
   *[other] { $jobs } jobs
}
more-jobs-row = and { $jobs } more (--json lists all)
job-stays-row = { $job } is not deleted: { $reason }
jobs-to-delete-row = { $jobs ->
    [one] { $jobs } job
   *[other] { $jobs } jobs
} would be deleted, { $freed_bytes } on disk
jobs-deleted-row = { $jobs ->
    [one] { $jobs } job is deleted
   *[other] { $jobs } jobs are deleted
}, { $freed_bytes } on disk
no-job-has-to-go-row = there is no job to delete

name-job-or-all = Name a job or give --all, and not both.
queue-paused-row = The queue is paused. No job starts until you run ./tunedock resume --all. { $jobs ->
    [0] No job was running.
    [one] The running job saves a checkpoint and frees the device.
   *[other] The { $jobs } running jobs save a checkpoint and free their devices.
}
queue-resumed-row = Jobs start again. { $jobs ->
    [0] No job had been paused with the queue.
    [one] The job that was paused with the queue continues.
   *[other] The { $jobs } jobs that were paused with the queue continue.
}
queue-was-not-paused = The queue was not paused. Jobs start as before.
queue-is-paused-row = The whole queue is still paused. The job starts after: ./tunedock resume --all
job-waits-row = { $job } starts after { $jobs }
move-where = Say where to: give one of --first, --last, --before, --behind, --up, --down and --priority.
compare-wants-made-adapter = The status of job { $job } is { $status }. --compare wants an adapter that is made. Wait for it, or evaluate it without --compare: that starts once the job has succeeded.
jobs-start-after-resume = The queue is paused. No job starts until you run ./tunedock resume --all.
