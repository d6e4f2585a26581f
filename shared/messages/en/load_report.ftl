# How a model loads: rows of the text and of the page (`-label`: what, `-row`: how much), and their headings.

how-model-loads-title = How { $model } loads, { $day }
findings-none-title = Findings: none
finding-title = { $number }. { $severity ->
    [error] ERROR
    [warning] WARNING
   *[other] INFO
} { $finding }: { $title }
done-title = Done
not-known-title = Not known

## what was measured
weights-label = weights
weights-row = { $files ->
    [one] { $files } file
   *[other] { $files } files
} ({ $formats }), { $weight_bytes }
weights-without-format-row = { $files ->
    [one] { $files } file
   *[other] { $files } files
}, { $weight_bytes }
parameters-label = parameters
parameters-row = { $dtypes_sum }
dtype-parameters-piece = { $parameters } × { $dtype }
source-label = source
source-row = { $source ->
    [hub_cache] hub cache
    [hub] hub
    [folder] folder
    [prepared] prepared
   *[other] { $source }
}
folder-label = folder
cache-label = cache
cache-row = { $folder } (decided by { $decided_by })
storage-label = storage
storage-row = { $path } is on { $mount_point } ({ $mount }): { $storage_class ->
    [local] local
    [memory] memory
    [network] network
    [host_share] host share
    [fuse] FUSE
    [layered] layered
   *[unknown] unknown
}
disk-label = disk
disk-row = { $disks_sum }, { $rotates ->
    [yes] reported as rotating (like a hard disk)
    [no] reported as not rotating (like an SSD)
   *[unknown] not known whether it rotates
}
disk-with-read-ahead-row = { $disk }, reads { $ahead_bytes } ahead
disk-behind-row = { $disk }, which was active while the files were read
memory-label = memory
memory-room-row = room for { $usable_bytes } of { $total_bytes }
versions-label = versions
versions-row = { $versions }
version-piece = { $name } { $version }
reads-label = reads
cold-reads-label = cold reads
cold-reads-row = direct { $direct }, buffered { $buffered }
mapped-reads-row = mapped { $mapped }
warm-reads-label = warm reads
measured-rate-piece = { $measured_bytes_per_second }
unknown-rate-piece = unknown ({ $reason })
small-reads-label = 4 KiB reads
small-reads-row = { $median_seconds } in the median; 95% take at most { $p95_seconds }
unknown-row = unknown: { $reason }

## loads
load-label = load
load-failed-row = failed: { $failure }
load-not-tried-row = not tried
loaded-from-storage-row = to { $device }; { $cached_bytes } of { $weight_bytes } were in memory before
loaded-from-unknown-row = to { $device }; how much of { $weight_bytes } was in memory before is not known
loaded-from-conversion-row = from the safetensors copy in { $folder } { $load }
loaded-before-row = The model is in the memory of { $device } already. The load that brought it there took:
total-label = total
runs-label = runs
run-with-limit-row = { $seconds } s, { $weight_bytes }, limit { $limit } s
run-row = { $seconds } s, { $weight_bytes }
run-label = { $run ->
    [as_found] as found
    [cold] cold
    [warm] warm
    [prepared_cold] prepared, cold
    [prepared] prepared, warm
    [resident] in memory already
   *[other] { $run }
}
made-of-label = made of
made-of-row = { $parts }
storage-part-piece = storage { $part_seconds }
quantizing-part-piece = quantizing and casting { $part_seconds }
fixed-part-piece = fixed { $part_seconds }
cold-excess-piece = slower in the cold run { $part_seconds }
untold-part-piece = not separated { $part_seconds }
parts-exceed-row = { $parts } ({ $more_seconds } more than the cold load: other phases were slower in the other runs)
storage-in-noise = The warm load took at least as long as the cold one, so the time of the storage can't be separated from measurement noise.
limit-label = limit
limit-row = { $weight_bytes } ÷ { $limit_bytes_per_second } = { $limit_seconds }
achieved-label = achieved
achieved-row = { $achieved_ratio } of the limit
achieved-above-limit-row = { $achieved_ratio } of the limit; the storage reads faster than it did while it was measured
shard-label = a shard
shard-row = { $shard_seconds } ({ $shards } of them)

## remedies
remedy-saves = { $action } This saves about { $saved_seconds }.
remedy-saves-nothing = { $action } This saves nothing.
remedy-saves-of-load = { $action } This saves about { $saved_seconds }; a load then takes { $load_seconds }.
remedy-saves-nothing-of-load = { $action } This saves nothing; a load then takes { $load_seconds }.
a-load-row = a load: { $times }
before-piece = before { $load_seconds }
predicted-piece = predicted { $load_seconds }
measured-piece = measured { $load_seconds }
limit-piece = limit { $load_seconds }

## what is not known
part-unknown-row = { $part ->
    [storage] storage
    [memory] memory
   *[disk_activity] disk activity
}: { $field }: { $reason }
hub-unknown-row = hub: { $reason }
hash-unknown-row = hash of { $file }: { $reason }
more-hashes-row = { $files ->
    [one] the hash of { $files } more file
   *[other] the hashes of { $files } more files
}
