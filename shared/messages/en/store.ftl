# The job store: why it can't be used now, and why jobs leave it.

store-full = The job store's memory is full (maxmemory), so it takes no writes. Nothing was accepted. Running jobs continue. Remove jobs that have ended, or raise the store's maxmemory.
store-read-only = The job store is a read-only replica. Nothing was accepted. Let TUNEDOCK_STORE_URL name the primary, or make this store the primary (REPLICAOF NO ONE).
store-loading = The job store has just started and still reads its data from disk. Nothing was changed. The request can be sent again, as it is, once the store is back.
store-no-access = The job store refuses the password or the user. Nothing was changed. Check TUNEDOCK_STORE_URL and TUNEDOCK_STORE_PASSWORD_FILE. The user needs all commands outside the category @dangerous, and INFO.
store-lost-primary = The job store is a replica that lost its primary. Nothing was changed. Bring the primary back, or make this store the primary (REPLICAOF NO ONE).
store-in-cluster = The job store is a node of a cluster that can't serve the key. Nothing was changed. Tunedock needs a single Redis or Valkey, not a cluster: change TUNEDOCK_STORE_URL.
store-silent = The job store does not answer. Start it, or check TUNEDOCK_STORE_URL. It is not known whether a change reached the store. The request can be sent again, as it is, once the store is back.
store-away-with-little-room = The disk of the data folder has only { $free_bytes } free, and a store that lies there needs room. Free some ({ $reserve_bytes } are kept free of jobs): it then starts again by itself. { $why }
store-crowded = The job store has no free connection. Nothing was changed. Close other clients, or raise the store's maxclients.
store-is-none = The server at TUNEDOCK_STORE_URL is not Redis or Valkey, or it uses TLS and the address does not say so. Nothing was changed. Check the address and whether it must begin with rediss://.
store-forgot-scripts = The job store forgot Tunedock's scripts (SCRIPT FLUSH). Nothing was changed. The request can be sent again, as it is.
store-cannot-save = The job store can't write to its disk and takes no writes. Nothing was accepted. Free space on its disk, or look at its log.
store-few-replicas = The job store has fewer replicas than it demands and takes no writes. Nothing was accepted. Bring the replicas back, or lower its min-replicas-to-write.
store-busy = The job store is busy with a script of another program. Nothing was changed. SCRIPT KILL ends that script. The request can be sent again, as it is, once the store is back.

ended-too-long-ago = The job ended { $age_days } days ago, and jobs are kept for { $kept_days ->
    [one] { $kept_days } day
   *[other] { $kept_days } days
}.
enough-newer-jobs = { $newer ->
    [one] { $newer } job is newer
   *[other] { $newer } jobs are newer
}, and { $kept ->
    [one] { $kept } is
   *[other] { $kept } are
} kept.
newer-jobs-fill = This job and the newer jobs take { $filled_bytes } together, and at most { $kept_bytes } are kept.
