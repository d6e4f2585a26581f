# What `doctor --repair`, `backup` and `restore` find and do, and what the store's log is told to lack.

repair-looks-row = comparing the store with the disk
repair-read-row = comparing the store with the disk: { $read_bytes } read
repair-found-row = { $code ->
    [record_lost] Jobs on disk that the store does not know: { $count }
    [record_damaged] Records in the store that can't be read: { $count }
    [record_differs] Records whose request is not the one on disk: { $count }
    [folder_lost] Records whose job has no folder on disk: { $count }
    [job_files_lost] Waiting or paused jobs without a file that they need, or with one that can't be read: { $count }
    [ended_on_disk] Jobs that have ended, and that the store takes for open: { $count }
    [attempt_behind] Records that are older than the attempts on disk: { $count }
    [claimed_by_nobody] Jobs that are said to run, although no worker runs: { $count }
    [spec_lost] Jobs without a readable spec.json that can be written again: { $count }
    [copy_lost] Ended jobs without a copy of their end on disk: { $count }
    [copy_damaged] Jobs whose result.json is damaged, or tells another end: { $count }
    [never_accepted] Folders of jobs that were never accepted: { $count }
    [folder_unknown] Folders of jobs without a record and without a readable spec.json: { $count }
    [checkpoint_damaged] Checkpoints that are damaged or incomplete: { $count }
    [adapter_damaged] Adapters that are damaged: { $count }
    [adapter_lost] Fine-tuned models whose adapter is gone: { $count }
    [model_copy_damaged] Copies of base models that are damaged: { $count }
    [upload_damaged] Uploaded files that are damaged or incomplete: { $count }
    [upload_unfinished] Uploads that never ended: { $count }
    [lists_disagree] Jobs that are in a wrong list of the store, or missing in one: { $count }
    [name_without_record] Names in the store's lists without a record: { $count }
    [counts_wrong] Counts of the store that can't be right: { $count }
   *[not_readable] Files that can't be read: { $count }
}
repair-mends-row = { $code ->
    [record_lost] Their records are rebuilt from spec.json, result.json and the journals. Those that did not end are queued and continue from their checkpoints.
    [record_damaged] They are kept in set-aside and rebuilt from the disk as far as it has them.
    [record_differs] They get the request on disk, which has not changed since it was accepted.
    [folder_lost] Jobs that have ended get a new folder with what the record says. The others can't run any more and end as failed.
    [job_files_lost] They end as failed, with the code job_files_lost. Submit them again.
    [ended_on_disk] Their records end as result.json says.
    [attempt_behind] Their next attempts get higher numbers than those on disk, and nobody has the jobs until then.
    [claimed_by_nobody] They are queued where they stood, and continue from their checkpoints.
    [spec_lost] It is written from the record; what lay there goes to set-aside.
    [copy_lost] It is written from the record.
    [copy_damaged] It goes to set-aside. Where the record has an end, it is written again.
    [never_accepted] They go to set-aside: nobody was told that such a job was accepted.
    [folder_unknown] They go to set-aside, with all that they hold.
    [checkpoint_damaged] They go to set-aside. The jobs continue from earlier checkpoints.
    [adapter_damaged] They go to set-aside. A model without another adapter is shown as deleted. Train it again, or restore a backup.
    [adapter_lost] They are shown as deleted. Train them again, or restore a backup.
    [model_copy_damaged] They go to set-aside. Jobs use the original, and can make the copy again: ./tunedock prepare MODEL
    [upload_damaged] They go to set-aside. Upload them again. Jobs have rows of their own.
    [upload_unfinished] They go to set-aside.
    [lists_disagree] They are put into the lists of their status.
    [name_without_record] The names go to set-aside.
    [counts_wrong] They are counted again.
   *[not_readable] Nothing is changed. Look at the owner and the permissions of these files, and at the disk.
}
repair-name-row = { $why ->
    [none] { $name }
   *[other] { $name } ({ $why })
}
repair-more-row = and { $count } more
repair-agrees = Store and disk agree. { $jobs ->
    [one] { $jobs } job was compared
   *[other] { $jobs } jobs were compared
}.
repair-question = Mend all this? Nothing is deleted: what is taken away goes to { $folder }.
repair-only-shown-row = Nothing was changed. To mend this, call ./tunedock doctor --repair --yes
repair-nothing-changed-row = nothing was changed
repair-mending-now-row = mending
repair-mended-row = Mended: { $count }
repair-not-mended-row = Not mended: { $name }: { $why ->
    [none] it has changed meanwhile
   *[other] { $why }
}
repair-aside-row = Set aside, and yours to look at and to delete: { $folder }
repair-again = Call ./tunedock doctor --repair again to see what is left.
repair-no-data = There is nothing to repair in { $folder }.
repair-store-silent = The store of the service that runs here does not answer.
repair-stop-first = Stop the service (./tunedock down), then call this command again.
store-alone-not-started = The store can't be started by itself. It wrote:
    { $lines }

## what a record says of it
record-rebuilt = The store had lost the record of this job. It was rebuilt from the files of the job.
put-back-by-repair = No worker had this job any more. It was queued again by a repair.
ended-as-the-disk-says = The store had an older record of this job. A copy on disk says that it is { $status }.
job-file-missing = { $name } of this job is gone from the data folder or can't be read, so the job can't run.

## the store's log
log-is-torn = The store's log ended in the middle of a change. Its last { $cut_bytes } are left out; the store had not confirmed them to anybody.
log-is-damaged = The store's log is damaged: { $file } can't be read from byte { $place } on.
log-was-altered = The store's log was changed while no store wrote to it: { $file }, within { $piece_bytes } from byte { $place } on.
log-file-missing = A file of the store's log is gone or can't be read: { $file }.
repair-the-log = Call ./tunedock doctor --repair. It keeps a copy of the log, reads what can be read, and rebuilds the other jobs from the disk.
repair-log-question = Read what of it can be read, and rebuild the rest from the disk? A copy of the log goes to { $folder }.
log-was-cut = The log is readable again. { $lost_bytes } were cut from it. It lies as it was in { $folder }.
log-begun-anew = The store begins anew, without a record: the beginning of its log can't be read. It lies as it was in { $folder }.
stop-and-repair = Stop the service (./tunedock down) and call ./tunedock doctor --repair. It keeps a copy of the log, reads what can be read, and rebuilds the other jobs from the disk.
jobs-unknown-row = { $jobs ->
    [one] { $jobs } job on disk is
   *[other] { $jobs } jobs on disk are
} unknown to the store: it was lost, or is older than the disk. To rebuild the records, call ./tunedock doctor --repair

## backup
backup-of-nothing = There is nothing to back up in { $folder }.
backup-writes-row = writing the backup
backup-again = Nothing was written. Call the command again when the store answers.
backup-to-terminal = A backup can't be written to a terminal, nor together with --json to the standard output.
backup-exists = { $file } exists. A backup does not overwrite it.
name-backup-file = Name another file.
backup-not-written = { $file } can't be written: { $error }.
backup-without-room = { $folder } has { $free_bytes } free, and the backup needs { $needed_bytes }.
backup-smaller = Name a file on another disk, or leave out the checkpoints with --without-checkpoints.
backup-is-made = { $file } has { $jobs ->
    [one] { $jobs } job
   *[other] { $jobs } jobs
} and { $files ->
    [one] { $files } file
   *[other] { $files } files
}, { $size_bytes }.
backup-without-models = Not in it: quantized copies of base models, { $models_bytes }. They can be made again; --with-models includes them.
backup-without-checkpoints = Not in it: checkpoints, { $checkpoints_bytes }. A job that has not ended begins anew after a restore.
backup-gone-files-row = Files that were deleted meanwhile and are not in it: { $files }
backup-is-secret = It holds the API key and all rows: protect it as you protect them.

## restore
backup-has-more = The backup has { $name }, which no backup has, or has it twice. Nothing was changed.
backup-is-cut = The backup is not whole: its end, which has the hashes of all files, is missing. Nothing was changed.
backup-file-differs = { $name } is not in the backup as it was saved. The backup is damaged. Nothing was changed.
backup-of-other-format = The backup has the format { $format }, and this version knows { $known }. Nothing was changed.
backup-unreadable = { $file } can't be read as a backup: { $error }. Nothing was changed.
restore-reads-row = checking the hashes of the backup
restore-writes-row = unpacking the backup
restore-file-missing = { $file } can't be read: { $error }.
restore-while-running = A service uses this data folder: { $address }. Nothing was changed.
restore-stop-first = Stop it (./tunedock down), then call this command again.
restore-worker-speaks = A worker uses the store { $seconds ->
    [0] now
   *[other] and spoke { $seconds } s ago
}. Nothing was changed.
restore-stop-worker = Stop API and worker, wait for half a minute, then call this command again.
restore-over-data = { $folder } holds { $jobs ->
    [one] { $jobs } job
   *[other] { $jobs } jobs
} and { $files ->
    [one] { $files } uploaded file
   *[other] { $files } uploaded files
}. A restore never mixes the two. Nothing was changed.
restore-replace = Add --replace: what is there goes to { $folder }. Or name an empty folder with TUNEDOCK_DATA_DIR.
restore-over-store = The store holds { $jobs ->
    [one] { $jobs } job
   *[other] { $jobs } jobs
}. A restore never mixes the two. Nothing was changed.
restore-replace-store = Add --replace: what the store has goes to { $folder }.
restore-without-room = { $folder } has { $free_bytes } free, and the backup needs { $needed_bytes }. Nothing was changed.
restore-failed = The backup could not be unpacked: { $error }.
restore-was-interrupted = A restore into { $folder } did not come to its end.
restore-again = Call ./tunedock restore FILE --replace again. What the data folder held before is in its folder set-aside.
restore-is-done = { $jobs ->
    [one] { $jobs } job is restored
   *[other] { $jobs } jobs are restored
}, as of { $made_at }.
restore-put-right-row = Put right after it: { $count }
