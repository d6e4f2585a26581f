# What helps a slow or failing load: what to do, and what a prediction assumes.

## files
download-again = Download the damaged files again.
download-missing = Download what is missing.
copy-model-again = Copy the model into { $folder } again, and see that the copy finishes.
delete-prepared-copy = Delete the prepared copy. The next load makes it again.
delete-or-fetch-spare = Delete the file, or fetch it again for the program that needs it.
sweep-incomplete = Delete the `.incomplete` files while nothing downloads. They can't be used: the next download starts from its beginning.
make-copy-anew = Make the copy again now.
make-both-copies-anew = Make the safetensors copy and the quantized copy again now.
nothing-but-watch-disk = Do nothing now. If it happens again, check the disk.

## fewer bytes, another place, no load
keep-nf4-copy = Keep a copy of the weights that is quantized already, and load that: nf4 takes about { $nf4_bytes } instead of { $weight_bytes }. The first job on the model makes it by itself.
keep-nf4-copy-of-unknown-size = Keep a copy of the weights that is quantized already.
keep-bfloat16-copy = Keep a bfloat16 copy of the weights ({ $copy_bytes }) in the models folder, and use that copy as the model. A load converts the weights to bfloat16 anyway.
move-to-storage = Move the model to the storage { $storage } ({ $folder }), which was measured to read { $limit_bytes_per_second }.
move-to-local-ssd = Move the model to a local SSD, and point { $variable } there.
move-to-local-disk = Move the model to a local disk, and point { $variable } there.
move-to-linux-side = Move the model to the Linux side (under WSL2 your home folder, under Docker a named volume), and point { $variable } there.
move-to-named-volume = Move the model to a named volume, which lies on the virtual machine's own disk, and point { $variable } there.
move-cache-to-local-ssd = Add a folder on a local SSD to TUNEDOCK_STORAGES (NAME=/path), restart the worker, and move the cache there.
move-cache-to-local-disk = Add a folder on a local disk to TUNEDOCK_STORAGES (NAME=/path), restart the worker, and move the cache there.
move-cache-to-linux-side = Add a folder on the Linux side (under WSL2 your home folder, under Docker a named volume) to TUNEDOCK_STORAGES (NAME=/path), restart the worker, and move the cache there.
move-cache-to-named-volume = Add a folder on a named volume, which lies on the virtual machine's own disk, to TUNEDOCK_STORAGES (NAME=/path), restart the worker, and move the cache there.
build-environment-on-local-disk = Build the Python environment again, on a local disk.
build-environment-on-linux-side = Build the Python environment again, on the Linux side (under WSL2 your home folder, under Docker a named volume).
build-environment-on-named-volume = Build the Python environment again, on a named volume, which lies on the virtual machine's own disk.
mount-volume-at-cache = Mount a named volume at the cache folder.
stay-resident = Run jobs on one base model one after another. The worker keeps the model in memory, and only the first job loads it.

## reading, processors, memory
read-files-through-first = Read all files once from beginning to end before a program loads them.
read-further-ahead = Let the kernel read further ahead.
diagnose-again-later = Diagnose again later. If other parts of the files are slow then, it depends on the time, not on the place.
look-at-rented-disk = If the disk is rented, look at its credits, or choose one with a fixed rate.
see-what-else-ran = See what else used the processors, the memory and the disk. Diagnose again while nothing does.
free-memory-or-raise-limit = Free memory, or raise the container's memory limit.
see-who-uses-disk = See which programs use the disk, let them finish, then diagnose again.
raise-processor-limit = Raise the limit (`cpus` in compose, `docker run --cpus`).
raise-memory-limit = Raise the container's memory limit (`mem_limit` in compose, `docker run --memory`).
free-memory-or-add = Free memory, or give the machine more (under WSL2 `memory=` in .wslconfig).
end-large-programs = End programs that hold much memory.
move-swap = Move the swap space off the model's disk, or turn it off.
diagnose-once-more = Diagnose once more: the first load of a process also imports its libraries. If that took the time, put the Python environment on a faster disk.

## formats, cache, network
pickles-are-converted = For Tunedock you need to do nothing: a process without network converts the pickles once, and later loads read the safetensors files.
name-safe-revision = For other programs, use a revision or a repository that has safetensors files.
name-this-revision = Use the revision { $revision }, which has safetensors files, in jobs and in other programs.
delete-unused-formats = Delete these files if no other program uses them.
unset-variable-after-move = Unset the variable: a job moved the cache.
name-folder-in-hf-hub-cache = Set HF_HUB_CACHE to this folder: that is the variable that is read.
remove-settings = Remove the settings that have no effect.
delete-copy-not-in-use = Delete the copy that is not in use, if the copy in use is where you want it.
keep-copy-on-faster-disk = Keep the copy on the faster disk, and set HF_HUB_CACHE to its folder.
remove-revisions = Remove revisions that nothing uses any more.
ask-for-converted-revision = Ask for the revision { $revision }, which needs no conversion.
remove-pull-requests = Remove them if nothing uses them.
stop-asking-for-conversions = Stop other programs from requesting conversions: each request also sends your Hugging Face token.
cache-on-filesystem-with-links = Keep the cache on a filesystem with links: ext4, xfs, btrfs or NTFS.
load-without-asking = Once everything is cached, load without asking the hub.
use-more-for-transfer = If this is far below the speed of your internet connection, let the download use more resources of the machine.

## what a prediction assumes
assumed-sata-ssd = The new disk is assumed to read { $ssd_bytes_per_second }, as a SATA SSD does.
assumed-cold-files = The files are assumed to be out of memory when a load begins.
assumed-both = { $first } { $second }
assumed-mapping-program = This is for a program that only maps its files.
assumed-mapping-reaches-large-reads = Memory mapping is assumed to reach the speed of large reads then.
assumption-stored = Assumed: { $assumption }.
