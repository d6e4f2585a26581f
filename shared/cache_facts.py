"""What the worker tells of the model caches that only it may see: in containers nobody else mounts them."""

from shared.messages.message import Message
from shared.reports.storage import Storage
from shared.reports.stored import Stored


class SeenCache(Stored):
    """A Hugging Face cache as the worker's process sees it."""

    path: str
    exists: bool
    readable: bool
    models: int
    """Folders models--… in it or in its `hub`."""
    mount_root: str | None = None
    """The folder of the mounted filesystem that the mount shows: of a bind or a volume, its place there."""
    storage: Storage


class CachesSeen(Stored):
    """The worker's caches, and the variables that decide on them."""

    hub: SeenCache
    host: SeenCache | None = None
    """The cache of `host_hf_cache`; None where that is not set."""
    decided_by: str | Message
    """What placed `hub`: a variable, "default", or a job's move."""
    moved: bool = False
    """Whether a job's move did."""
    ignored: tuple[tuple[str, str], ...] = ()
    """Variables, with their values, that look as if they moved the cache, and do not."""
    holds_default_model: bool = False
