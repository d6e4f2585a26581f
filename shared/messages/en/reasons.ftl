# Why a load's report lacks a figure, or what is odd about a file: each follows a colon or stands in brackets.

## storage and memory
no-mount-covers-path-piece = no line of mountinfo covers the path
stat-failed-piece = stat failed: { $error }
mountinfo-unreadable-piece = mountinfo is not readable: { $error }
statvfs-failed-piece = statvfs failed: { $error }
no-block-device-piece = { $filesystem } shows no block device of its own here
meminfo-unreadable-piece = /proc/meminfo: { $error }
groups-unreadable-piece = control groups are not readable: { $error }
disk-unknown-piece = no block device is known
disk-not-counted-piece = /proc/diskstats has no { $disk }

## reads
no-cold-reads-piece = a memory filesystem has no cold reads
files-too-small-piece = no file has 4 KiB
few-reads-answered-piece = { $requests ->
    [0] no request was answered
    [one] only { $requests } request was answered
   *[other] only { $requests } requests were answered
} in { $window_seconds }
too-few-bytes-piece = { $count ->
    [one] { $count } byte is too few to measure a rate
   *[other] { $count } bytes are too few to measure a rate
}
nothing-read-piece = nothing was read
read-failed-piece = reading failed: { $error }
stayed-in-memory-piece = { $stayed_ratio } of the region stayed in the page cache, because the file is in use
no-direct-reads-piece = this system has no O_DIRECT
direct-read-failed-piece = reading with O_DIRECT failed: { $error }

## other places
no-target-folder-piece = there is no folder { $folder }
target-failed-piece = { $folder }: { $error }
target-full-piece = less than { $needed_bytes } is free there

## the hub
hub-offline-piece = HF_HUB_OFFLINE is set, so the hub is not asked
hub-silent-piece = { $hub } did not answer within { $limit_seconds }
hub-error-piece = { $hub } gave no answer that can be used: { $kind }: { $error }

## hashes
other-size-piece = it has { $count } bytes instead of { $expected }
not-in-memory-piece = it is not in memory, and reading it takes about { $wait_seconds }
hashing-slow-piece = hashing everything takes longer than { $limit_seconds }
other-hash-piece = { $named_by ->
    [manifest] its bytes do not have the hash that the manifest names
   *[hub] its bytes do not have the hash that the hub names
}

## variables
variable-first-piece = first in order of precedence
variable-outranked-piece = { $first } has precedence
variable-not-read-piece = { $library } does not read it
old-cache-variable-piece = transformers 5 does not read it; HF_HUB_CACHE names the cache
hf-transfer-variable-piece = huggingface_hub 2 has no hf_transfer; HF_XET_HIGH_PERFORMANCE replaces it
