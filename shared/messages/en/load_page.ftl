# The page of a load's report: its head, its figures, its pictures and its tables.

storage-word-piece = { $kind ->
    [network] network storage
    [host_share] host share
    [fuse] FUSE filesystem
    [memory] memory filesystem
   *[other] disk
}

dry-run-not-drawn = Job { $job } was a dry run, which trained nothing, so there is no page to draw. Its report has what was predicted.
report-not-drawn = The report of job { $job } can't be shown as a page. These fields are missing or can't be used: { $fields }. Leave `format` out to read the report as JSON.

## the verdict
why-label = Why
what-was-seen-label = What was seen
what-helps-most-label = What helps most
load-of-storage = A load takes { $load_seconds }, of which { $storage_seconds } is the { $storage }: { $weight_bytes } at { $limit_bytes_per_second }.
load-is-past = The model is in memory already. The load that brought it there took { $load_seconds }.
load-of-quantizing = A load takes { $load_seconds }, of which { $quantize_seconds } is quantizing to 4 bits.
load-of-fixed-costs = A load takes { $load_seconds }, of which { $fixed_seconds } does not depend on the weights.
load-of-cached-files = A load takes { $load_seconds }, because the files were in memory already. From the { $storage } it takes at least { $limit_seconds }: { $weight_bytes } at { $limit_bytes_per_second }.
load-of-bytes = A load takes { $load_seconds } for { $weight_bytes }.
load-of-bytes-against-storage = A load takes { $load_seconds } for { $weight_bytes }; the { $storage } alone needs { $limit_seconds }.
untried-and-unmeasured = No load was tried, and how fast the storage is could not be measured.
untried-takes-at-least = No load was tried. From this { $storage } it takes at least { $limit_seconds }: { $weight_bytes } at { $limit_bytes_per_second }.
nothing-to-improve = There is nothing to improve.
jobs-load-copy = Jobs load the prepared copy instead, which took { $load_seconds }.
fewer-bytes-or-another-disk = Only loading fewer bytes or using another disk helps. No option of the loader does.
fewer-bytes-or-a-local-disk = Only loading fewer bytes or using a local disk helps. No option of the loader does.
helps-and-saves = { $action } This saves about { $saved_seconds } of a load.
helps-and-load-then-takes = { $action } This saves about { $saved_seconds } of a load, which then takes { $load_seconds }.
said-and-assumed = { $said } { $assumption }
before-and-now = { $before_seconds } before, { $after_seconds } now: { $faster }.
times-as-fast-piece = { $times } times as fast
no-gain-piece = no gain

## figures
load-figure-label = Load
storage-limit-figure-label = Limit of the { $storage }
best-remedy-figure-label = After the best remedy
measured-figure-label = Measured after it
it-failed-row = it failed
not-tried-row = not tried
rate-unknown-row = its rate is not known
makes-it-load-row = it makes the model load
no-saving-row = no remedy is predicted to save time
predicted-saving-row = predicted saving
predicted-saving = This saving is predicted.
predicted-less-row = { $saved_seconds } less (predicted)
nothing-applied-row = nothing was applied in this job
predicted-row = predicted { $load_seconds }
run-against-limit-row = { $run }, { $against }

## loads
run-title = { $run ->
    [as_found] As found
    [cold] Cold
    [warm] Warm
    [prepared_cold] Prepared, cold
    [prepared] Prepared, warm
    [resident] In memory already
   *[other] { $run }
}
below-limit-row = less than the limit: the storage reads faster than it did while it was measured
times-the-limit-row = { $times } times the limit
phases-overlap-row = { $note }; its phases overlap and sum to { $phases_seconds }
resident-note-row = the load that brought it there, { $weight_bytes }
cached-unknown-note-row = { $weight_bytes }; how much was in memory before is not known
nothing-cached-note-row = { $weight_bytes }, nothing of it in memory before
all-cached-note-row = { $weight_bytes }, all of it in memory before
part-cached-note-row = { $weight_bytes }, { $cached_bytes } of it in memory before
untimed-label = not timed

## what a cold load is made of
storage-part-label = storage
quantizing-part-label = quantizing
fixed-part-label = fixed
not-told-apart-label = not separated
slower-in-cold-run-label = slower in the cold run
parts-in-proportion = The differences sum to { $more_seconds } more than the cold load took, since other phases were slower in the other runs. The parts are shown in proportion.
no-warm-load = There was no load with warm files, so the time of the storage is not known.
no-warm-copy-load = There was no warm load of the prepared copy, so quantizing and fixed costs are not separated.
no-warm-checkpoint-load = There was no warm load of the checkpoint, so quantizing and fixed costs are not separated.

## remedies
before-label = before
predicted-label = predicted
measured-label = measured
not-measured-row = not measured
less-row = { $difference_seconds } less
more-row = { $difference_seconds } more
above-prediction-row = { $off_ratio } above the prediction
below-prediction-row = { $off_ratio } below the prediction

## the disk among others, shards
about-a-typical-row = { $here_bytes_per_second }: about what a typical { $disk } reads ({ $typical_bytes_per_second })
times-a-typical-row = { $here_bytes_per_second }: { $times } times what a typical { $disk } reads ({ $typical_bytes_per_second })
part-of-a-typical-row = { $here_bytes_per_second }: { $share_ratio } of what a typical { $disk } reads ({ $typical_bytes_per_second })
this-storage-label = this storage
hard-disk-label = hard disk
sata-ssd-label = SATA SSD
nvme-ssd-label = NVMe SSD
windows-drive-label = 9p: Windows drives in WSL 2
this-load-label = this load
at-the-limit-label = at the limit

## phases
phase-resolve-row = config, tokenizer, file headers
phase-read-row = weight files into memory
phase-deserialize-row = tensors out of the files, cast
phase-quantize-row = to 4 bits
phase-move-row = to the device
phase-rest-row = building the modules, imports

## facts
model-group-title = Model
cache-group-title = Cache
storage-group-title = Storage
reads-group-title = Cold and warm reads
machine-group-title = Machine
versions-group-title = Versions
dtype-wanted-label = dtype wanted
as-dtype-label = as { $dtype }
revision-label = revision
decided-by-label = decided by
asks-hub-label = asks the hub
asks-hub-row = { $offline ->
    [true] no, offline
   *[false] at every load
}
another-copy-label = another copy
another-copy-row = { $folder } ({ $copy_bytes })
files-label = files
mounted-at-label = mounted at
mounted-from-label = from
options-label = options
filesystem-label = filesystem
filesystem-row = { $filesystem } ({ $storage_class })
reads-ahead-label = reads ahead
free-label = free
free-row = { $free_bytes }
free-of-total-row = { $free_bytes } of { $total_bytes }
cold-direct-label = cold, direct
cold-buffered-label = cold, buffered
cold-mapped-label = cold, mapped
warm-label = warm
read-rate-row = { $read_bytes_per_second }
read-rate-slowest-row = { $read_bytes_per_second }, { $slowest_bytes_per_second } at the slowest place
small-read-label = 4 KiB
bytes-row = { $count_bytes }
memory-free-row = { $total_bytes }, { $free_bytes } free
container-limit-label = container's limit
disk-busy-label = disk busy
disk-busy-row = { $busy_ratio } of { $window_seconds } in which Tunedock did not use it
device-label = device
loaded-from-label = loaded from
read-in-load-label = read in the load
read-in-load-row = { $read_bytes } from storage
processor-time-label = processor time
processor-time-row = { $processor_seconds }

## what is not known
unknown-field-label = { $part ->
    [storage] storage
    [memory] memory
   *[disk_activity] disk activity
}: { $field }
unknown-reads-label = reads: { $way ->
    [direct] direct
    [buffered] buffered
    [mapped] mapped
    [warm] warm
   *[small] 4 KiB
}
limit-unmeasured-row = how fast the storage reads was not measured
hub-label = hub
hash-label = hash: { $file }
load-untried-row = none was tried
load-it-failed-row = it failed: { $failure }

## headings, tables and pictures
how-it-loads-title = How { $model } loads
load-diagnosis-title = Load diagnosis
seconds-by-phase-title = Where the seconds go
load-failed = The load failed: { $failure }
no-phases-known = No load was tried, so no phases are known.
storage-limit-is-row = the storage's limit is { $limit_seconds }
seconds-in-each-phase-title = Seconds in each phase
phase-label = phase
storage-limit-label = the storage's limit
storage-among-others-title = The { $storage } among others
cold-reading-scale-title = Cold reading, on a logarithmic scale
this-storage-reads = This storage reads { $read_bytes_per_second }.
from-to-row = { $low } to { $high }
bytes-from-each-title = { $weight_bytes } from each
at-least-label = at least
cold-load-made-of-title = What a cold load is made of
how-parts-are-told = The parts are differences between the runs. Cold reading − warm reading is the storage, warm load − prepared load is quantizing, and the rest is the same for every load.
cold-load-of-made-of-title = What a cold load of { $load_seconds } is made of
whole-cold-load-label = cold load
seconds-a-shard-title = Seconds a shard
progress-bar-shows = This is what a progress bar over { $shards ->
    [one] { $shards } checkpoint shard
   *[other] { $shards } checkpoint shards
} shows.
what-it-brought-title = What the remedies changed
each-remedy-carried-out = Each remedy that this job carried out, with the load before, the load predicted and the load measured.
dashed-line-is-limit = The dashed line is the storage's limit.
what-helps-title = What helps
needed-comes-first = First come the remedies without which the model does not load, then those that save most of one load.
largest-saving-first = The remedies that save most of one load come first.
whole-bar-is = The full width is { $bar_seconds }.
against-label = against
load-predicted = The load then takes { $predicted_seconds }, predicted.
load-predicted-and-measured = The load then takes { $predicted_seconds }, predicted; measured { $measured_seconds }.
load-needs-it = The model does not load without this remedy.
no-saving-predicted = No saving is predicted.
command-of-remedy-title = Command of remedy { $number }
nothing-to-do = There is nothing to do.
what-was-found-title = What was found
findings-order = Findings that prevent a load come first, then those that cost most.
remedies-label = Remedies
no-check-found-anything = No check found anything that slows this load down.
facts-title = Facts
variables-title = Variables that are set
variable-effect-row = { $effect ->
    [decides] decides
    [outranked] outranked
    [ignored] ignored
   *[other] { $effect }
}
weight-files-title = Weight files ({ $files })
file-label = file
format-label = format
size-label = size
not-opened-label = not opened
what-is-not-known-title = What is not known
copy-button-label = Copy
copied-button-label = Copied
copy-by-hand-button-label = Press Ctrl+C
severity-label = { $severity ->
    [error] error
    [warning] warning
    [info] info
   *[other] { $severity }
}
page-is-of-job = Tunedock, job { $job }.
same-as-text-label = The same as text
same-as-data-label = as data
paths-are-shortened = The text and the data have the full paths. On this page a path begins at a folder of the installation (data, models, cache, ~), or it is cut to its last part after “…”.
