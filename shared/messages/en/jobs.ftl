# The life of a job: what every kind of job says.

job-accepted = The job is accepted and queued.
job-started = The job started.
job-started-again = The job started again. This is attempt { $attempt }.
job-started-after-pauses = The job started again. It was paused { $pauses ->
    [one] once
   *[other] { $pauses } times
} before.
job-started-after-both = The job started again. It was paused { $pauses ->
    [one] once
   *[other] { $pauses } times
} before. It was also interrupted { $interruptions ->
    [one] once
   *[other] { $interruptions } times
}, because its worker ended.
job-succeeded = The job succeeded.
job-cancelled = The job was cancelled.
cancelled-before-start = The job was cancelled before it started.
cancel-requested = The job was asked to stop.
cancel-too-late = It is too late to cancel: the result is being published.
pause-requested = The job was asked to pause.
job-paused = The job is paused. The device is free. The job continues from its last checkpoint when it is resumed.
paused-before-start = The job was paused before it started.
job-resumed = The job was resumed. It is queued where it stood.
job-waits = The job starts after { $jobs }.
jobs-before-succeeded = Every job that this one waited for has succeeded. It may start now.
job-before-did-not-succeed = It was to run after job { $job }, { $status ->
    [failed] which failed
   *[cancelled] which was cancelled
}.
submit-after-another = Look at that job first. Then submit this one again, after another job or without `after`.
job-moved = The job was moved in the queue from place { $from } to place { $to }.
waiting-job-moved = The job still waits for other jobs. Its place in the queue was { $from } and will be { $to }.
job-priority-changed = The priority of the job was { $before } and is now { $now }.
pause-withdrawn = The job was resumed before it had paused.
job-handed-back = The worker shuts down and hands the job back. The job continues when a worker starts.
model-deleted = The model that this job made was deleted.

worker-back = The worker is back.
worker-lost = Contact with the worker was lost. The job continues from its last checkpoint.
worker-lost-on-full-disk = Contact with the worker was lost while the disk of the data folder was full. This counts as no crash. The job continues from its last checkpoint.
worker-died-in-every-attempt = The worker died in every attempt.
worker-died = The worker died in { $deaths ->
    [one] { $deaths } attempt
   *[other] { $deaths } attempts
}, { $crashes } of them without a new checkpoint.
look-at-memory-and-log = Look at the memory of the machine and the log of the worker. Lower max_seq_length or the plan's tokens_per_micro_batch, then submit the job again.

job-stalled = The job made no progress for { $stall_seconds }.
look-at-log-and-disks = Look at the worker's log and the disks, or raise TUNEDOCK_STALL_SECONDS.

device-memory-too-small = The device has too little memory for this job.
use-less-memory = Lower max_seq_length or the plan's tokens_per_micro_batch, or free memory on the machine.

unexpected-error = An unexpected error ended the job: { $error }.
report-traceback = The worker's log has the traceback. Please report it.
