"""What the store's client raises, as ours: the errors that mean it can't be used now, and what to do then.

Told by class: redis-py cuts the first word off the errors it knows (OOM, READONLY, NOAUTH, …). Those it has
no class for keep their word, at the beginning or inside a pipeline's or a script's text.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import redis
from redis import exceptions

from shared.errors import StoreTakesNoWrites, StoreUnavailable
from shared.store_link import Outage

AGAIN = "The request can be sent again, as it is, once the store is back."
FULL = (
    "The job store's memory is full (maxmemory), so it takes no writes; nothing was accepted. Jobs "
    "that run go on. Remove jobs that have ended, or raise the store's maxmemory."
)
READ_ONLY = (
    "The job store is a read-only replica; nothing was accepted. Let TUNEDOCK_STORE_URL name the "
    "primary, or make this one the primary (REPLICAOF NO ONE)."
)
LOADING = f"The job store has just started and still reads its data from disk; nothing was changed. {AGAIN}"
NO_ACCESS = (
    "The job store refuses our password or user; nothing was changed. Check TUNEDOCK_STORE_URL and "
    "TUNEDOCK_STORE_PASSWORD_FILE; the user needs every command that is not dangerous, and INFO."
)
NO_MASTER = (
    "The job store is a replica that lost its primary; nothing was changed. Bring the primary back, "
    "or make this one the primary (REPLICAOF NO ONE)."
)
IN_CLUSTER = (
    "The job store is a node of a cluster that can't serve the key; nothing was changed. Tunedock "
    "needs a single Redis or Valkey, not a cluster: change TUNEDOCK_STORE_URL."
)
SILENT = (
    "The job store does not answer. Start it, or check TUNEDOCK_STORE_URL. Whether a change reached it "
    "is not known; the request can be sent again, as it is, once the store is back."
)
CROWDED = (
    "The job store has no connection left for us; nothing was changed. Close other clients or raise "
    "its maxclients."
)
NOT_A_STORE = (
    "What answers at TUNEDOCK_STORE_URL is no Redis or Valkey, or speaks TLS where we do not; nothing "
    "was changed. Check the address and whether it must begin with rediss://."
)
FORGETFUL = f"The job store forgot our scripts (SCRIPT FLUSH); nothing was changed. {AGAIN}"

# The first that fits counts: subclasses stand before their parents.
_BY_CLASS: tuple[tuple[type[Exception], str], ...] = (
    (exceptions.OutOfMemoryError, FULL),
    (exceptions.ReadOnlyError, READ_ONLY),
    (exceptions.BusyLoadingError, LOADING),
    (exceptions.AuthenticationError, NO_ACCESS),
    (exceptions.AuthenticationWrongNumberOfArgsError, NO_ACCESS),
    (exceptions.AuthorizationError, NO_ACCESS),
    (exceptions.NoPermissionError, NO_ACCESS),
    (exceptions.MasterDownError, NO_MASTER),
    (exceptions.ClusterError, IN_CLUSTER),
    (exceptions.AskError, IN_CLUSTER),  # and MOVED
    (exceptions.TryAgainError, IN_CLUSTER),
    (exceptions.NoScriptError, FORGETFUL),
    (exceptions.MaxConnectionsError, CROWDED),
    (exceptions.InvalidResponse, NOT_A_STORE),
    (exceptions.ConnectionError, SILENT),
    (exceptions.TimeoutError, SILENT),
)
_BY_WORD = {
    "OOM": FULL,
    "READONLY": READ_ONLY,
    "LOADING": LOADING,
    "NOAUTH": NO_ACCESS,
    "WRONGPASS": NO_ACCESS,
    "NOPERM": NO_ACCESS,
    "ACL failure": NO_ACCESS,
    "MASTERDOWN": NO_MASTER,
    "CLUSTERDOWN": IN_CLUSTER,
    "NOSCRIPT": FORGETFUL,
    "MISCONF": (
        "The job store can't write to its disk and takes no writes; nothing was accepted. Free space "
        "on its disk, or look into its log."
    ),
    "NOREPLICAS": (
        "The job store has fewer replicas than it demands and takes no writes; nothing was accepted. "
        "Bring them back, or lower its min-replicas-to-write."
    ),
    "BUSY": (
        "The job store is busy with a script of another program; nothing was changed. SCRIPT KILL "
        f"ends it. {AGAIN}"
    ),
}
_NOT_DONE = {FULL, READ_ONLY, _BY_WORD["MISCONF"], _BY_WORD["NOREPLICAS"]}
_WORDS = re.compile("|".join(rf"\b{word}\b" for word in _BY_WORD))


@contextmanager
def store_errors(outage: Outage | None = None) -> Iterator[None]:
    """A store that is away, loading, full or closed to us: `StoreUnavailable`. A fault of ours stays one."""
    if outage is not None:
        outage.check()
    try:
        yield
    except redis.RedisError as error:
        if (sentence := what_is_wrong(error)) is None:
            raise
        if outage is not None and sentence == SILENT:
            outage.begin(sentence)
        raise (StoreTakesNoWrites if sentence in _NOT_DONE else StoreUnavailable)(sentence) from error


def what_is_wrong(error: redis.RedisError) -> str | None:
    """Why the store can't be used now and what to do; None where the request itself was at fault."""
    if "max number of clients reached" in str(error):
        return CROWDED  # to redis-py a ConnectionError as any other
    for cls, sentence in _BY_CLASS:
        if isinstance(error, cls):
            return sentence
    word = _WORDS.search(str(error))
    return _BY_WORD[word[0]] if word else None
