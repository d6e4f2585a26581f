# What the command says while it supervises the service: disks that take nothing, parts that hang.

data-folder-takes-nothing = The data folder { $folder } can't be written ({ $error }). { $free_bytes } are free there, and Tunedock keeps { $needed_bytes } free (TUNEDOCK_MIN_FREE_BYTES).
all-goes-on-with-room = What runs goes on as far as it can. Everything continues by itself once there is room.
make-room-then-up = Make room on that disk, or set TUNEDOCK_DATA_DIR to a folder on another one. Then run ./tunedock up again.
log-loses-lines = Lines of { $path } are lost: { $error }.
log-takes-lines-again = { $path } takes lines again.
process-not-started = It could not be started: { $error }. It is tried again.
part-hangs = The { $part } has given no answer for { $silent_seconds }. It is ended, and started again.
