# The pages at `/` that a person works with in a browser.

## frame and way in
skip-to-content-label = Skip to the content
pages-label = Pages
jobs-page-label = Jobs
new-job-label = New job
api-page-label = API
end-session-label = Sign out
page-is-stale = The service does not answer. This page shows what it last said, and tries again.

give-key-title = Open Tunedock
session-has-ended = The session in this browser has ended. Give the key again.
why-a-key = These pages show jobs and data, so they ask for an API key of this service. Give it once. This browser then stays signed in for 30 days.
key-field-label = API key
open-desk-label = Open
where-is-the-key-title = Where is the key?
where-the-key-is = On the machine where Tunedock runs, this command prints it.
where-the-key-is-in-containers-row = Where it runs in containers:
type-the-key = Type or paste the API key into the field.
key-is-printed-by = The command `./tunedock key` prints the right one, where the service runs.
sent-by-another-site = The browser says that a page of another site sent this request, so nothing was done. Open Tunedock's own page at this address and try there.
refused-cross-site = A page of another site sent a request with a browser's session.
form-of-page-has-other-type = A form of a page is sent as a form, not as { $type }.
find-request-in-log = The service's log has more about it. Look for { $request } there.
to-first-page-label = To the first page

## words of jobs
kind-of-job-label = { $kind ->
    [fine_tuning] Fine-tuning
    [dry_run] Plan of a fine-tuning
    [load_diagnostic] Diagnosis of a load
    [training_diagnostic] Diagnosis of a training
    [evaluation] Evaluation
    [model_preparation] Preparation of a model
    [dataset_report] Report of a data set
   *[other] { $kind }
}
just-now-row = just now
ago-row = { $passed } ago
plan-reached-label = { $time } for { $steps ->
    [one] one step
   *[other] { $steps } steps
}
left-label = Time left
loss-now-label = Loss
priority-row = priority { $priority }
after-label = after

## first page
headline-store-away = The jobs can't be shown now.
headline-first-visit = No job has run here yet.
headline-running = { $running ->
    [one] One job runs
   *[other] { $running } jobs run
}{ $waiting ->
    [0] {""}
    [one] , and one waits
   *[other] , and { $waiting } wait
}.
headline-idle = { $waiting ->
    [0] Nothing runs, and nothing waits.
    [one] Nothing runs, and one job waits.
   *[other] Nothing runs, and { $waiting } jobs wait.
}
first-visit = Tunedock trains a language model on your own rows. It takes three steps.
first-visit-data = Upload a file of rows, or take one of the data sets that are here. You see at once what was found in it.
first-visit-plan = Choose a model. Tunedock works out how long the training takes and how much memory it needs.
first-visit-start = Start it. The page shows the loss while it falls, and at the end you download the adapter.
first-job-label = Begin
first-visit-diagnose = Is a model slow to load? The list of models has a button that finds out why.
jobs-are-unknown = No job is lost: each is on disk. This page shows them as soon as the job store answers.
queue-title = Queue
nothing-is-queued = No job waits.
pause-queue-label = Pause all
resume-queue-label = Let jobs start
queue-is-paused = The queue is paused: no job starts.
more-are-in-line = { $jobs ->
    [one] { $jobs } more job waits.
   *[other] { $jobs } more jobs wait.
}
waiting-for-others-title = Waiting for other jobs
paused-jobs-title = Paused
move-up-label = Move up
move-down-label = Move down
pause-label = Pause
go-on-label = Resume
cancel-label = Cancel
cancel-it-label = Cancel the job
cancel-running-warning = A cancelled job ends and can't be resumed. To continue it later, pause it instead.
recent-jobs-title = Recent jobs
all-jobs-link-label = All jobs
fine-tuned-models-title = Fine-tuned models
download-label = Download
download-adapter-of-label = Download the adapter of { $model }
nothing-has-ended = No job has ended yet.
this-machine-title = This machine
model-in-memory-row = { $model } is in memory
no-model-in-memory-row = no model is in memory
disk-of-folder-label = Disk of { $folder }
main-memory-label = Memory
card-memory-label = Memory of the card
free-of-whole-row = { $free_bytes } of { $total_bytes } free
models-on-disk-title = Models
model-comes-along-row = comes with Tunedock
model-is-elsewhere-row = read from the hub's cache, or downloaded when it is needed
weights-on-disk-row = { $weights_bytes } of weights
prepared-copy-row = { $kind ->
    [nf4] 4-bit copy
   *[other] { $kind } copy
} of { $copy_bytes }
no-prepared-copy-row = no 4-bit copy yet
diagnose-label = Diagnose
prepare-label = Make a 4-bit copy
where-models-go = A folder that you put into the models folder appears here. A job may also name any model of the Hugging Face hub.

## all jobs
all-jobs-title = Jobs
kind-filter-label = Kind
every-kind-label = All kinds
status-filter-label = Status
every-status-label = All
show-jobs-label = Show
no-such-jobs = No job is of this kind and status.
no-jobs-yet = No job has run here yet.
newest-jobs-label = Newest jobs
older-jobs-label = Older jobs

## troubles
store-is-away = The job store does not answer.
start-store-again = Start the service again with `./tunedock up`, or in containers with `docker compose up -d --wait`. Its log says why the store ended.
disk-takes-no-jobs = The disk of the data folder has { $free_bytes } free. Below { $reserve_bytes } no upload and no job is accepted.
delete-jobs-or-files = Delete jobs that you no longer need, or files.

## a job's page
queued-at-place = The job waits in the queue at place { $place }.
took-row = took { $time }
start-training-label = Start training
change-settings-label = Change the settings
train-again-label = Train again
open-report-label = Open the report
download-adapter-label = Download the adapter
to-front-label = To the front
delete-label = Delete
delete-it-label = Delete for good
delete-warning = The record, the events, the report and everything that the job made are removed from the disk. This can't be undone.
step-times-plot-title = Time of a step, in seconds
step-times-plot-words = Half of the { $steps } steps took less than { $usual_seconds }.
steps-above-plot = { $steps ->
    [one] One step was
   *[other] { $steps } steps were
} much slower and stands at the upper edge. The slowest took { $longest_seconds }.
labels-title = Labels
one-label-label = label
rows-as-read-title = Rows, as the model reads them
to-settings-label = Back to the settings
row-as-read-title = The first row, as the model reads it
how-a-row-is-marked = What is marked is learned. The rest is only read.
tokens-are-left-out = { $tokens ->
    [one] One more token is
   *[other] { $tokens } more tokens are
} not shown.
evaluate-title = Evaluate it
why-evaluate = An evaluation says how often the model is right. Choose rows that it has not learned.
on-rows-label = On the rows
learned-rows-label = learned
evaluate-label = Evaluate
nothing-to-evaluate-on = There are no rows here to evaluate it on.
upload-rows-label = Upload rows
use-it-title = Use it
how-to-use-it = The download is an archive with the folder { $folder }. It is a standard adapter for peft. Unpack it, then load it like this.
base-is-a-folder = { $model } is a folder of this service, in models or in data/models. Give its path in place of the name.
events-title = Events
older-events-label = Older events
newest-events-label = Newest events
steps-are-no-events-here = The steps of a training are in its plots, and one by one in the list for programs.
all-events-as-data-label = All events as JSON
ways-back-label = Ways back
first-page-label = First page
page-of-job-label = Page of the job
save-page-label = Save this report
webhooks-title = Webhooks
webhook-status-row = { $status ->
    [pending] to be delivered
    [delivered] delivered
    [failed] given up
    [off] not sent, since the address wants no more
   *[other] { $status }
}
webhook-tries-row = { $tries ->
    [one] { $tries } try
   *[other] { $tries } tries
}
next-try-row = next try in { $wait }
next-try-now-row = next try now
resend-label = Send once more
result-title = Result
asked-title = What was asked
all-settings-title = All settings
to-model-label = To the fine-tuned model
accuracy-title = Accuracy
macro-f1-title = Macro F1
rows-of-a-step-label = rows of a step
micro-batch-label = a micro-batch
micro-batch-row = up to { $tokens } tokens
rows-cut-label = rows that are cut
rows-skipped-label = rows that are skipped
plan-is-ready = The plan is ready. What could not be predicted is told by the events.
plan-fits = The plan is ready, and the run fits into memory.
plan-does-not-fit = The run is expected to need more memory than there is. Lower the longest row or the tokens of a micro-batch.

## the page of a report on rows
rows-as-model-reads-title = Rows as { $model } reads them
data-report-title = Report of the rows of { $name }
first-to-look-at-label = First to look at
rows-are-read-whole = { $rows ->
    [one] One row is learned, and nothing of it is cut.
   *[other] { $rows } rows are learned, and none of them is cut.
}
rows-are-cut = Of { $rows } rows that are learned, { $cut ->
    [one] one is cut.
   *[other] { $cut } are cut.
}
answers-are-lost = Of { $answers } answers, { $lost ->
    [one] one is
   *[other] { $lost } are
} cut off before anything of it can be learned.
nothing-was-found = Nothing was found that needs a change.
lengths-beside-limit = Tokens of a row. The dashed line is the longest row of the settings, { $tokens } tokens; what is longer is cut.
mean-row-label = average
half-of-rows-label = half up to
most-rows-label = 95 % up to
longest-row-label = longest
tokens-of-a-letter-title = Tokens of a letter
this-tokenizer-label = this tokenizer
usual-tokenizer-label = usual
what-became-of-rows-title = What becomes of the rows
learned-rows-count-label = rows that are learned
skipped-because-label = { $rows ->
    [one] one row is skipped
   *[other] { $rows } rows are skipped
}
turns-refused-because-label = { $turns ->
    [one] one turn is refused
   *[other] { $turns } turns are refused
}
learned-share-row = { $tokens }, { $share } of them
characters-of-token-label = characters of a token
cut-off-tokens-label = tokens that are cut off
cut-answers-label = answers that lose their end
emptied-answers-label = answers of which nothing is left
split-rows-label = rows that are split
unknown-rows-label = rows with characters that the tokenizer does not know

## a new training
three-steps-label = Three steps
step-rows-label = Rows
step-settings-label = Settings
step-plan-label = Plan and start
choose-rows-title = Which rows shall the model learn?
upload-title = Upload a file
what-to-upload = JSONL, JSON, CSV, TSV or Parquet, up to { $limit_bytes }. What is in the rows is shown at once, and what is wrong with its line.
file-field-label = File
upload-and-go-on-label = Upload and continue
uploading-label = Upload
what-rows-look-like-title = What rows look like
rows-of-labels-row = A text and its label, to sort texts:
rows-of-answers-row = A question and its answer:
rows-of-conversations-row = A conversation:
rows-of-text-row = Plain text, to continue it:
rows-that-are-here-title = Rows that are here
no-rows-are-here = Nothing was uploaded yet.
sample-row = sample
uploaded-label = uploaded
delete-file-label = Delete { $file }
delete-file-warning = The file is removed from the disk. Jobs keep their own copy of its rows.
where-data-sets-go = A file that you put into the data sets folder appears here.
choose-settings-title = Which model shall learn them?
model-field-label = Model
model-field-hint = A fine-tuned model is named by its id, a model of the Hugging Face hub by its owner and name. A model that is not here is downloaded when it is needed.
other-model-label = Another model
other-model-name-label = Name of the model
instruction-field-label = Instruction
instruction-field-hint = What the model is told before each row, if anything. Say here what its task is.
epochs-field-label = Epochs
epochs-field-hint = How often it sees all rows.
max-steps-field-label = Steps at most
max-steps-field-hint = Left empty, the epochs decide.
max-length-field-label = Longest row, in tokens
max-length-field-hint = What is longer is cut. A smaller number needs less memory.
learning-rate-field-label = Learning rate
learning-rate-field-hint = Lower it if the loss jumps or rises.
batch-size-field-label = Rows of a step
batch-size-field-hint = So many rows decide together on each change of the weights.
rank-field-label = Rank of the adapter
rank-field-hint = A larger rank can learn more, and needs more memory.
alpha-field-label = Alpha of the adapter
alpha-field-hint = How strongly the adapter counts; usually twice its rank.
suffix-field-label = Name
suffix-field-hint = Becomes part of the name of the fine-tuned model: letters, digits, dots and hyphens.
webhook-field-label = Tell this address at the end
webhook-field-hint = An address, http or https, that is told when the plan is ready, and again when the training has ended.
validation-field-label = Validation rows
validation-field-hint = Rows that are not learned. Their loss shows whether the model only remembers.
no-validation-label = none
more-settings-title = More settings
make-plan-label = Make the plan
show-rows-label = Show rows as the model reads them
tokens-of-a-row-title = Tokens of a row
lengths-of-rows-row = { $p95 } in 95 of 100, { $longest } at most
cut-rows-title = Rows that are cut
cut-at-row = at { $tokens } tokens
other-rows-label = Other rows
upload-corrected-label = Upload the corrected file
what-a-plan-does = The plan takes a few seconds to minutes: the model is loaded, some steps are tried, and nothing is trained.
rows-title = Rows
first-lines-of-file-row = The first lines of the file, as they stand in it:
job-is-no-plan = Job { $job } is no plan of a training, so there is nothing to start.
choose-rows-to-evaluate = Choose the rows that the model is to be evaluated on.

## how rows are read
how-rows-are-read-title = How the rows are read
why-say-how-rows-are-read = This is found by itself for most files. Say it here if your columns or fields have other names.
format-field-label = Format
format-by-itself-label = found by itself
column-of-field-label = { $field ->
    [text] Column of the text
    [label] Column of the label
    [prompt] Column of the question
    [completion] Column of the answer
   *[messages] Column of the conversation
}
fields-of-file-row = The file has these columns or fields:
read-rows-again-label = Read the rows again
read-so-label = Read { $reading }
reading-words = { $pieces }
column-as-field-piece = { $column } as the { $field ->
    [text] text
    [label] label
    [prompt] question
    [completion] answer
   *[messages] conversation
}
any-column-piece = a column
as-format-piece = the rows as { $format ->
    [chat] conversations
    [prompt_completion] questions and answers
    [classification] texts with labels
    [text] plain text
   *[other] { $format }
}

## the report of the rows
rows-are-usable = { $rows ->
    [one] One row can be used as it is.
   *[other] { $rows } rows can be used as they are.
}
rows-are-not-usable = These rows can't be used as they are. Correct what is marked as an error, and upload the file again.
found-in-rows-title = What was found
lines-row = { $unit ->
    [line] lines
   *[other] rows
} { $lines }
more-was-found = { $findings ->
    [one] One more thing was found.
   *[other] { $findings } more things were found.
}
check-all-rows-label = Check all rows ({ $file_bytes })
size-of-file-label = size
format-of-rows-label = format
format-of-rows-row = { $format ->
    [chat] conversations
    [prompt_completion] questions and answers
    [classification] texts with labels
    [text] plain text
   *[other] { $format }
}
unusable-rows-label = unusable
repeated-rows-label = repeated
contradicting-rows-label = contradicting
characters-label = characters of a row
characters-of-row-row = { $mean } on average, { $p95 } in 95 of 100, { $longest } at most
