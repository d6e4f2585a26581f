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
from shared.messages.message import Message, say
from shared.store_link import Outage

FULL = say("store-full")
READ_ONLY = say("store-read-only")
LOADING = say("store-loading")
NO_ACCESS = say("store-no-access")
NO_MASTER = say("store-lost-primary")
IN_CLUSTER = say("store-in-cluster")
SILENT = say("store-silent")
CROWDED = say("store-crowded")
NOT_A_STORE = say("store-is-none")
FORGETFUL = say("store-forgot-scripts")
CANT_SAVE = say("store-cannot-save")
FEW_REPLICAS = say("store-few-replicas")
BUSY = say("store-busy")

# The first that fits counts: subclasses stand before their parents.
_BY_CLASS: tuple[tuple[type[Exception], Message], ...] = (
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
    "MISCONF": CANT_SAVE,
    "NOREPLICAS": FEW_REPLICAS,
    "BUSY": BUSY,
}
_NOT_DONE = (FULL, READ_ONLY, CANT_SAVE, FEW_REPLICAS)
_WORDS = re.compile("|".join(rf"\b{word}\b" for word in _BY_WORD))


@contextmanager
def store_errors(outage: Outage | None = None) -> Iterator[None]:
    """A store that is away, loading, full or closed to us: `StoreUnavailable`. A fault of ours stays one."""
    if outage is not None:
        outage.check()
    try:
        yield
    except redis.RedisError as error:
        if (trouble := what_is_wrong(error)) is None:
            raise
        if outage is not None and trouble == SILENT:
            outage.begin(trouble)
        raise (StoreTakesNoWrites if trouble in _NOT_DONE else StoreUnavailable)(trouble) from error


def what_is_wrong(error: redis.RedisError) -> Message | None:
    """Why the store can't be used now and what to do; None where the request itself was at fault."""
    if "max number of clients reached" in str(error):
        return CROWDED  # to redis-py a ConnectionError as any other
    for cls, trouble in _BY_CLASS:
        if isinstance(error, cls):
            return trouble
    word = _WORDS.search(str(error))
    return _BY_WORD[word[0]] if word else None
