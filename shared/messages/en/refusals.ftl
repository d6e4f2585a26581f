# Why a request about jobs, models or files is refused, and what to do.

sentences = { $sentences }

too-many-jobs = { $jobs ->
    [one] { $jobs } job is waiting
   *[other] { $jobs } jobs are waiting
} already, and no more may wait. Try again later, or raise TUNEDOCK_MAX_QUEUED_JOBS.
no-such-job = There is no job { $job }.
job-has-status = The status of job { $job } is { $status }.
job-of-other-kind = The kind of job { $job } is { $kind }, not fine_tuning. See /v1/jobs/{ $job }.
no-manifest = Its { $name } is damaged.
adapter-is-damaged = The adapter of job { $job } is damaged. { $fault } Nothing of it is sent. Take a checkpoint of the job (step=N), a backup, or train again.
job-ended-before-pause = The status of job { $job } is { $status } already. Only a job that has not ended can be paused.
job-ended-before-resume = The status of job { $job } is { $status } already. Only a paused job can be resumed.
job-is-not-queued = { $status ->
    [paused] Job { $job } is paused and has no place in the queue. Resume it first, then move it.
   *[other] The status of job { $job } is { $status }. Only a job that is queued has a place in the queue.
}
not-moved-past-itself = Job { $job } can't be moved before or behind itself. Name another job.
after-unknown-job = There is no job { $job } to run after.
after-job-that-failed = This job can't run after job { $job }, { $status ->
    [failed] which failed
   *[cancelled] which was cancelled
}.
job-is-being-cancelled = Job { $job } is being cancelled. It can't be paused or resumed any more.
job-publishes-before-pause = Job { $job } is publishing its result and ends in a moment. It can't be paused any more.
job-ended-before-cancel = The status of job { $job } is { $status } already. Only a job that has not ended can be cancelled.
job-not-ended = The status of job { $job } is { $status }. Only a job that has ended can be deleted. Cancel it first: ./tunedock cancel { $job }, or POST /v1/jobs/{ $job }/cancel.
job-not-finished = The status of job { $job } is { $status }. { $wanted ->
    [adapter] Its adapter exists once it has succeeded.
   *[report] Its report exists once it has ended.
}
job-ended-without = The status of job { $job } is { $status }, and it has no { $wanted ->
    [adapter] adapter
   *[report] report
}.
idempotency-key-of-other-body = The Idempotency-Key was sent before, with another body, and made job { $job }. Send the same body, or a new key.
idempotency-key-of-deleted-job = The Idempotency-Key was sent before and made job { $job }, which is deleted. Send a new key to run it again.

events-are-json-or-stream = Events are sent as a list in JSON, or live as a stream. Ask again with the header Accept: application/json, or Accept: text/event-stream.
all-events-are-a-stream = The events of all jobs are sent live only. Ask again with the header Accept: text/event-stream, or read GET /v1/jobs/ID/events for a list of the events of one job.
only-for-stream = { $field } is for a stream of events only. Leave it out, or ask with the header Accept: text/event-stream.
only-for-list = { $field } is for a list of events only, and this request asks for a stream. Leave it out, or ask with the header Accept: application/json. To begin a stream after an event, send its id as `since`.
last-event-id-unusable = The header Last-Event-ID is { $id }. It must be the id of an event of this stream, for example { $example }. Leave it out to begin anew.
too-many-streams = This process sends as many streams of events as it can. Close some, or try again in a few seconds.
no-such-event = Job { $job } has no event { $event }.
report-has-no-page = The kind of job { $job } is { $kind }. Only reports of { $drawn_kinds } can be shown as pages. Leave `format` out to read this report as JSON.

job-was-dry-run = Job { $job } was a dry run, which trains nothing and makes no adapter. Submit it again without dry_run.
job-makes-no-adapter = The kind of job { $job } is { $kind }. Only a fine_tuning job makes an adapter.
job-made-no-model = Job { $job } made no model.
adapter-was-deleted = The model that job { $job } made was deleted, and its adapter with it.
adapter-files-gone = The adapter of job { $job } is no longer in the data folder.
no-adapter-with-names = Job { $job } has no adapter with { $names } names.
checkpoint-not-renamed = The checkpoint has a part for { $module }, which is not a module of { $family }, so it can't be given the repository's names. Ask for it as it was trained: names={ $names }.
no-such-checkpoint = There is no checkpoint { $checkpoint }.
no-checkpoint-of-step = Job { $job } keeps no checkpoint of step { $step }. It keeps { $count ->
    [one] the one of step { $steps }
   *[other] those of the steps { $steps }
}.
no-checkpoint-kept = Job { $job } keeps no checkpoint.

model-was-deleted = The model { $model } was deleted.
model-in-use = The model that job { $job } made is used by job { $user }, which has not ended. Wait for it, or cancel it first.
fine-tuned-model-was-deleted = The fine-tuned model { $model } was deleted.
no-such-fine-tuned-model = There is no fine-tuned model { $model }.
model-of-job-is-called = The model of job { $job } is called { $model }.
checkpoints-kept = These checkpoints are kept: { $checkpoints }.
model-files-gone = The files of this model are gone.
models-are-listed = The command `./tunedock models` lists the models that there are, and so does GET /v1/models over HTTP.
checkpoint-goes-with-model = { $checkpoint } is a checkpoint. It is deleted together with its model. Delete { $model }, or job { $job }.
base-model-is-not-deleted = { $model } is a base model. Only fine-tuned models, whose names begin with ft:, are deleted over HTTP. Remove a model folder, or a model in the Hugging Face cache, on the server itself.

two-fine-tuned-models = The `model` is the fine-tuned model { $model }, and the `adapter` is { $adapter }. Give only one of them.
adapter-has-other-base = The adapter was trained on { $made_for }, not on { $model }. Leave `model` out.
adapter-has-other-revision = The adapter was trained on revision { $made_for }, not { $revision }. Leave `revision` out.
adapter-of-main-branch = The adapter was trained on the model's main branch, not on revision { $revision }. Leave `revision` out.
adapter-has-its-shape = Training continues the adapter { $adapter }, whose { $field } is { $value }, not { $wanted }. Leave { $field } out, or give the base model as `model` to train a new adapter.

no-such-file = There is no file { $file }.
upload-file-first = There is no file { $file }. Upload it to /v1/files first.
file-is-result = The file { $file } is the result of a job. It is deleted together with its job.
file-is-empty = The file { $file } is empty. Save it again with rows in it.
file-too-large = The file is larger than the { $limit_bytes } that TUNEDOCK_MAX_UPLOAD_BYTES allows.
rows-were-deleted = { $rows } was deleted while its rows were read.
too-little-free-space = The data folder's disk has { $free_bytes } free. This needs { $needed_bytes }, and { $reserve_bytes } must stay free. Delete files or old jobs, or lower TUNEDOCK_MIN_FREE_BYTES.
data-disk-full = The data folder's disk is full. Delete files or old jobs.
data-disk-fails = The data folder's disk does not take what is written ({ $error }). See in the system's log (dmesg) what is wrong with it.
disk-not-read = The disk with { $place ->
    [jobs] the files of jobs
    [uploads] the uploaded files
    [datasets] the data sets
    [models] the model folders
    [cache] the cache of models
   *[other] Tunedock's files
} fails now ({ $error }), so this can't be answered. Nothing was changed. See in the system's log (dmesg) what is wrong with the disk, or with the network that it is reached by, and ask again after that.
data-disk-read-only = The data folder's disk may only be read. See in the system's log (dmesg) why, and mount it for writing again.

no-completion-in-text = Rows in the format text have no completion. Leave loss_on out, or set it to all.
format-cannot-be-split = Rows in the format { $format } can't be split. Leave long_text out, or set it to cut.
validation-labels-unknown = The validation rows have { $count ->
    [one] a label
   *[other] { $count } labels
} that no training row has: { $labels }.
label-not-trained = No training row has the label { $label }.
