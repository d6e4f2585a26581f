"""Refusing what the data folder's disk has no room for."""

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from shared import disk_errors
from shared.errors import DiskFull, Refusal, StoreTakesNoWrites, StoreUnavailable
from shared.messages.message import say
from shared.settings import Settings


def check_free_space(folder: Path, *, needed_bytes: int, reserve_bytes: int) -> None:
    """Raises `DiskFull` unless `needed_bytes` fit into the folder's disk and leave `reserve_bytes` free."""
    free_bytes = shutil.disk_usage(folder).free
    if free_bytes < needed_bytes + reserve_bytes:
        raise DiskFull(
            say(
                "too-little-free-space",
                free_bytes=free_bytes,
                needed_bytes=needed_bytes,
                reserve_bytes=reserve_bytes,
            )
        )


@contextmanager
def disk_full_refused() -> Iterator[None]:
    """A write that the disk does not take, for now or for good, becomes `DiskFull`."""
    try:
        yield
    except OSError as error:
        if refusal := disk_refusal(error):
            raise refusal from error
        raise


def tell_little_room(refusal: Refusal, settings: Settings) -> None:
    """Add to a refusal for a store that is away that the disk is nearly full, where it can't live."""
    is_store = isinstance(refusal, StoreUnavailable) and not isinstance(refusal, StoreTakesNoWrites)
    if not is_store and not any(error.path == "store" for error in refusal.errors):
        return
    try:
        free_bytes = shutil.disk_usage(settings.data_dir).free
    except OSError:
        return
    if free_bytes < settings.min_free_bytes:
        reserve = settings.min_free_bytes
        refusal.said = say(
            "store-away-with-little-room", why=refusal.said, free_bytes=free_bytes, reserve_bytes=reserve
        )


def disk_refusal(error: OSError) -> DiskFull | None:
    """What an error of a write is to its sender; None where the disk is not at fault."""
    if disk_errors.is_full(error):
        return DiskFull(say("data-disk-full"))
    if error.errno == errno.EROFS:
        return DiskFull(say("data-disk-read-only"))
    if disk_errors.takes_nothing(error):
        return DiskFull(say("data-disk-fails", error=str(error.strerror)))
    return None
