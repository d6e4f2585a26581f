"""Refusing what a disk does not give to be read now."""

from pathlib import Path

from services.api.free_space import disk_refusal
from shared import disk_errors
from shared.errors import DiskUnreadable, Refusal
from shared.job_folder import jobs_folder
from shared.messages.message import say
from shared.settings import Settings

# Whose files an address reads, where the error names none: one of a read names no file, one of `open` does.
OF_ADDRESSES = {
    "/v1/jobs": "jobs", "/v1/fine_tuning": "jobs", "/jobs": "jobs",
    "/v1/files": "uploads", "/v1/models": "models",
}  # fmt: skip


def read_refusal(error: OSError, address: str, settings: Settings) -> Refusal | None:
    """What an error of a read is to who asked for `address`; None where the disk is not at fault.

    Of the errors of `shared.disk_errors` a full disk is told as to a sender: only a write meets one.
    """
    if disk_errors.is_full(error):
        return disk_refusal(error)
    if not disk_errors.takes_nothing(error):
        return None
    place = _of_file(error.filename, settings) or _of_address(address)
    return DiskUnreadable(say("disk-not-read", place=place, error=str(error.strerror)))


def _of_file(name: object, settings: Settings) -> str:
    """ "" where it is unknown, or in no folder that has a name here."""
    if not isinstance(name, str):
        return ""
    folders = {
        "jobs": jobs_folder(settings.data_dir),
        "uploads": settings.data_dir / "files",
        "datasets": settings.datasets_dir,
        "models": settings.models_dir,
        "cache": settings.host_hf_cache,
    }
    known = (place for place, folder in folders.items() if folder and Path(name).is_relative_to(folder))
    return next(known, "")


def _of_address(address: str) -> str:
    pages = (place for page, place in OF_ADDRESSES.items() if f"{address}/".startswith(f"{page}/"))
    return next(pages, "other")
