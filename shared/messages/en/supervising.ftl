# What the command says while it supervises the service: disks that take nothing, parts that hang.

data-folder-takes-nothing = The data folder { $folder } can't be written ({ $error }). { $free_bytes } are free there, and Tunedock keeps { $needed_bytes } free (TUNEDOCK_MIN_FREE_BYTES).
data-folder-takes-again = The data folder { $folder } could not be written ({ $error }) and can be written again. Tunedock keeps { $needed_bytes } free there (TUNEDOCK_MIN_FREE_BYTES).
all-goes-on-with-room = The service continues as far as it can. Everything works again as soon as there is free space.
make-room-then-up = Free some space on that disk, or set TUNEDOCK_DATA_DIR to a folder on another one. Then run ./tunedock up again.
log-loses-lines = Lines of the log { $path } are lost: { $error }.
log-takes-lines-again = The log { $path } can be written again.
process-not-started = It could not be started: { $error }. There will be another try.
part-hangs = The { $part } has given no answer for { $silent_seconds }. It is ended and started again.
