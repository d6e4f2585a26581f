# What a diagnosis finds: titles of findings, and the evidence for each. Titles (`-title`) are headings.

as-told = { $text }

## integrity: whether the files are whole
incomplete-checkpoint-title = The checkpoint can't be loaded: files are missing or damaged
wrong-hash-title = A weight file differs from its source
changed-file-title = A file beside the weights was changed after it came from its source
file-differs = The file { $file } differs from its source: { $reason }
file-not-compared = The file { $file } was not compared with its source: { $reason }
load-does-not-notice = Loading does not detect this: the model would compute with wrong weights.
damaged-spare-title = A weight file that is never loaded is damaged
download-interrupted-title = A download was interrupted: { $left_bytes } of it are there, and files are missing
download-leftover-title = Interrupted downloads left { $left_bytes } in the cache
unfinished-file = The unfinished file { $file } has { $file_bytes }.

## the prepared copy, and the copy of pickles
damaged-copy-title = The prepared copy of the model can't be used
damaged-conversion-title = The safetensors copy of the pickles is damaged
damaged-conversion-remade-title = The safetensors copy of the pickles was damaged, and was made again
copy-lies-in = The copy has { $copy_bytes } and lies in { $folder }.
jobs-fall-back = Jobs load the checkpoint instead. The next job deletes the copy and makes it again.
trial-made-conversion-anew = The trial load has made the copy again from the pickles.
jobs-make-conversion-anew = A job that quantizes makes this copy again first. A job that finds a quantized copy reads that copy.
jobs-load-copy-instead = Jobs load the prepared copy ({ $copy_bytes }) instead, which took { $load_seconds }.

## speed: the storage's bandwidth and its requests
bandwidth-bound-title = The storage's bandwidth limits the load
no-load-is-faster = { $weight_bytes } ÷ { $limit_bytes_per_second } = { $limit_seconds }. No load from this storage is faster.
each-shard-at-least = { $shards ->
    [one] There is { $shards } shard, which takes at least { $least_seconds }.
   *[other] There are { $shards } shards, which take at least { $least_seconds } each.
}
each-shard-took = { $at_least } In the load { $shards ->
    [one] it took { $each_seconds }.
   *[other] they took { $each_seconds } each, { $loop_seconds } in all.
}
bound-is-predicted = This is predicted: no load of this diagnosis read the files from storage.
reading-achieved = Reading took { $reading_seconds }. That is { $achieved_ratio } of the storage's speed.
reading-achieved-partly = Reading took { $reading_seconds }. That is { $achieved_ratio } of the storage's speed; { $cached_bytes } were in memory already.
looks-like-hard-disk = A single hard disk is about this fast: { $limit_bytes_per_second }, and { $small_seconds } for a small read.
loader-options-do-not-help = Options of the loader can't help: they change neither the bytes nor the disk.
request-bound-title = Many small requests are slow on this storage, large reads are not
mapping-is-slower = Memory mapping reads { $mapped_bytes_per_second }, and large reads { $limit_bytes_per_second }: { $times } times as fast.
small-read-takes = A read of 4 KiB takes { $median_seconds } in the median, and 95% of the reads take at most { $p95_seconds }.
read-ahead-is = Behind a memory mapping the kernel reads { $ahead_bytes } ahead on { $device }.
mapping-loses = A load that only maps its files takes { $lost_seconds } longer.
tunedock-maps-here = Tunedock maps the files here, because memory has no room to read them first.
tunedock-reads-large-pieces = Tunedock does not only map the files: it reads them in large pieces first. Other programs may only map them.

## reading: whether it went as the storage allows
uneven-speed-title = The storage's speed varies a lot within the files
speed-varies = Large reads reach { $limit_bytes_per_second } on average, and { $slowest_bytes_per_second } where they are slowest.
slow-rate-costs = A load that reads at the slowest rate throughout takes { $lost_seconds } longer.
why-speed-varies = A rented disk slows down when its credits are used up. A hard disk is slower on its inner tracks, and where a file is fragmented. Any disk is slower while others use it.
slow-reading-title = Reading is slower than this storage allows
reading-against-storage = The phases read ({ $read_seconds }) and deserialize ({ $deserialize_seconds }) took { $reading_seconds } together. The storage needs { $uncached_bytes } ÷ { $limit_bytes_per_second } = { $allowed_seconds }.
read-again-title = The load fetched its files from storage more than once
fetched-more-than-needed = { $fetched_bytes } came from storage, although only { $uncached_bytes } of the files were not in memory.
why-fetched-again = Memory was too full to keep the files between reading ahead and loading, or the mapping reads more than it needs.

## contention: others, or limits, take what the load needs
busy-disk-title = Other programs keep the disk busy
disk-had-requests = { $device } worked on requests for { $busy_ratio } of { $window_seconds } in which Tunedock did not use it.
programs-waited-for-disk = Programs waited for a disk for { $stalled_ratio } of { $window_seconds } in which Tunedock did not use it.
others-read = Other programs read { $read_bytes_per_second }.
others-wrote = Other programs wrote { $written_bytes_per_second }.
head-moves-between-readers = A hard disk moves its head between its readers, so that two get far less than half each. A loader with several threads does not help; one reader at a time does.
processor-limit-title = The container's limit of processors slows the load down
processors-throttled = The container may use { $processors ->
    [one] { $processors } processor
   *[other] { $processors } processors
}. It was stopped in { $throttled_ratio } of the scheduler's periods while the model was loaded in { $load_seconds }.
processors-kept-busy = This process kept { $processors ->
    [one] { $processors } processor
   *[other] { $processors } processors
} busy on average.
programs-waited-for-processor = Programs waited for a processor in { $wait_ratio } of the time.

## mounts: what kind of place the model lies in
slow-mount-host-share-title = The model lies in a folder shared by the machine around this one ({ $filesystem })
slow-mount-network-title = The model lies on a network filesystem ({ $filesystem })
slow-mount-fuse-title = The model lies on a FUSE filesystem ({ $filesystem })
lies-on = { $path } is on { $mount_point } ({ $mount }).
storage-speed-unmeasured = The speed of the storage could not be measured.
weights-through-storage = { $weight_bytes } ÷ { $limit_bytes_per_second } = { $limit_seconds }.
slow-environment-title = Python's libraries lie on a slow mount ({ $filesystem })
imports-open-small-files = Importing the libraries opens thousands of small files.
fixed-costs-were = The fixed costs of the load, imports among them, were { $fixed_seconds }.
container-layer-title = The model lies in a container's layer ({ $filesystem })
new-container-downloads-again = A new container downloads the model again.
model-is-part-of-image = The model is part of this container or its image.
disk-behind-is = The disk behind the mount is { $disk }.
memory-filesystem-title = The model lies in memory ({ $filesystem })
takes-main-memory = Its weights take { $weight_bytes } of main memory until a restart.

## dtype: whether the weights are stored wider than wanted
wide-dtype-title = The weights are stored as { $stored } although { $wanted } is wanted
stored-bytes = Stored: { $products_sum } = { $stored_bytes }. With 2 bytes a parameter ({ $wanted }): { $wanted_bytes }.
parameters-by-bytes-piece = { $parameters } parameters × { $each } bytes ({ $dtype })
no-time-predicted = The speed of the storage is unknown, so no time can be predicted.
reading-wide-and-narrow = At { $limit_bytes_per_second } reading takes { $stored_seconds } as stored and { $wanted_seconds } as wanted.

## memory: whether main memory holds the checkpoint, and the programs beside it
short-memory-title = Memory does not hold the whole checkpoint
files-exceed-memory = The weight files have { $weight_bytes }; memory has room for { $usable_bytes }.
container-memory-limit = This container may use { $limit_bytes } of memory.
machine-memory = The machine has { $total_bytes } of memory, of which { $free_bytes } are free.
files-read-again-each-time = So the files can't be read ahead, and the next load reads them from storage again.
swapping-title = The machine swaps while the model loads
much-swapped-title = Much of memory lies in swap
bytes-in-swap = { $swapped_bytes } lie in swap, which has { $swap_bytes } in all.
fetched-back-from-swap = { $fetched_bytes } were fetched back while the model was loaded, in { $load_seconds }.
programs-waited-for-memory = Programs waited for memory in { $stalled_ratio } of that time.

## phases: whether something other than reading takes the time
failed-trial-title = The model could not be loaded
quantize-bound-title = Quantizing takes most of the load
quantizing-took = { $quantize_seconds } of { $load_seconds } went into quantizing on { $device }.
fixed-costs-title = Most of the load is spent on work that does not depend on the weights
fixed-costs-add-up = The phases resolve (config, tokenizer, headers: { $resolve_seconds }) and rest (imports, building the modules: { $rest_seconds }) took { $fixed_seconds } of { $load_seconds }.

## formats
pickle-only-title = The weights are pickles, and there is no safetensors copy
pickles-are = { $pickles ->
    [one] There is { $pickles } pickle file of { $pickle_bytes }: { $first }.
   *[other] There are { $pickles } pickle files of { $pickle_bytes } in all; the first is { $first }.
}
pickles-cannot-be-mapped = { $legacy ->
    [one] { $legacy } of them is
   *[other] { $legacy } of them are
} in the format of torch before 1.6, which can't be mapped: such a file is read whole and copied.
pickles-are-mapped = They are zip files, which torch maps as it maps safetensors: the format costs no reading time.
hub-has-safetensors = The hub's main branch has safetensors.
hub-has-safetensors-of = The hub's main branch has safetensors ({ $dtypes }).
hub-bot-converted = The hub's own bot has converted exactly these pickles, in { $revision }.
hub-unknown = Whether the hub has safetensors is unknown: { $reason }
hub-has-none = The hub has no safetensors of this model, neither on main nor converted by its bot.
unused-formats-title = { $unused_bytes } of weight files are never loaded
load-opens = A load opens { $files }.
not-opened = A load does not open { $formats }.
format-takes-piece = { $format } ({ $format_bytes })
unused-take-space-only = These files take disk space but no loading time.

## cache: whether it lies where its owner thinks, once
ignored-cache-variable-title = { $variable } is set but does not move the cache
setting-without-effect-title = { $names ->
    [one] { $variables } is set and changes nothing
   *[other] { $variables } are set and change nothing
}
variable-has-no-effect = { $variable } is set to { $value } and has no effect: { $reason }
cache-in-use = The cache in use is { $folder } (decided by { $decided_by }).
folder-holds-copy = { $folder } holds a copy of this model ({ $copy_bytes }).
cached-twice-title = The model is cached more than once
copy-in-use = The copy in use is { $folder }.
another-copy = Another copy is { $folder } ({ $copy_bytes }).
other-revisions-title = { $left_bytes } of the cache belong to other revisions of this model
revision-in-use = The revision in use is { $revision }.
revisions-cost-space = The other revisions take disk space but no time.
conversion-leftover-title = The cache has pull requests of this model, which transformers' own conversion leaves there
pull-request-with-safetensors = { $revision } has safetensors and takes { $request_bytes }.
pull-request-without-safetensors = { $revision } has no safetensors and takes { $request_bytes }.
copied-revisions-title = The cache holds a full copy of each revision, because it has no links
files-are-no-links = The files in { $folder } are not links to blobs.
shared-file-lies-twice = So a file that two revisions share lies there twice, and is downloaded twice.
why-no-links = This happens on filesystems without links (exFAT, some shares), on Windows without its developer mode, and with HF_HUB_DISABLE_SYMLINKS.

## network
hub-asked-title = Every load asks the hub whether the cached files are current
finding-files-took = Finding the cached files took { $locate_seconds }, including the requests to the hub.
first-download-title = The model was downloaded just now: only the first load waits for that
download-took = Finding and downloading the model took { $locate_seconds } for { $weight_bytes }: at least { $line_bytes_per_second }.
later-loads-find-it = Later loads find the model in the cache.
