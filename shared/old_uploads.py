"""Uploaded files that go: halves that nobody sends on, and whole ones that are too old to be kept."""

import json
import logging
import secrets
import shutil
import time
from pathlib import Path

from shared.durable import fsync_path
from shared.small_files import read_small
from shared.writer_lock import has_writer

INCOMING = ".incoming-"  # folders of files that arrive, and of files on their way out
ABANDONED_SECONDS = 3000.0  # and a sweep comes every ten minutes: gone within an hour

logger = logging.getLogger(__name__)


def discard_upload(place: Path) -> None:
    """Take a whole file away at once; what a crash leaves is swept up later. Raises FileNotFoundError."""
    gone = place.parent / f"{INCOMING}{secrets.token_hex(12)}"
    place.rename(gone)
    fsync_path(place.parent)
    shutil.rmtree(gone, ignore_errors=True)


def remove_abandoned(files: Path) -> None:
    """Remove what a process that died left of its uploads in the folder `files`."""
    for folder in files.glob(f"{INCOMING}*"):
        if is_abandoned(folder):
            shutil.rmtree(folder, ignore_errors=True)


def is_abandoned(folder: Path) -> bool:
    """Whether nobody has it open for writing, nor wrote in it for long; False if it has gone."""
    try:
        touched_at = max(path.stat().st_mtime for path in (folder, *folder.rglob("*")))
        return time.time() - touched_at > ABANDONED_SECONDS and not has_writer(folder)
    except FileNotFoundError:
        return False


def remove_expired(files: Path, *, keep_seconds: float | None) -> list[str]:
    """Remove the files that were uploaded longer ago than `keep_seconds` (None: none for that), or than their
    senders wanted them kept. Returns their ids.
    """
    removed = []
    for description in files.glob("file-*/file.json"):
        try:
            described = json.loads(read_small(description))
            limits = (keep_seconds, described.get("expires_seconds"))
            age_seconds = time.time() - float(described["created_at"])
            if any(limit is not None and age_seconds > limit for limit in limits):
                discard_upload(description.parent)
                removed.append(description.parent.name)
        except FileNotFoundError:  # deleted meanwhile
            continue
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            logger.warning("the age of %s is not known: %s", description.parent, error)
    return removed
