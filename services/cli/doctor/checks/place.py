"""What kind of place a folder lies in, in words; the trap of Windows drives under WSL."""

from services.cli.doctor.checks.finding import WINDOWS_PAGE
from services.cli.doctor.facts import Folder
from shared.reports.storage import Storage


def place(folder: Folder) -> str:
    """Path and what carries it: `/mnt/c/tunedock (9p from C:\\)`."""
    storage = folder.storage
    disks = storage.block_device.disks if storage.block_device else ()
    source = ", ".join(disks) or storage.source or "unknown"
    there = "" if folder.exists else ", not there yet"
    return f"{folder.path} ({storage.filesystem or 'unknown filesystem'} on {source}{there})"


def is_windows_drive(storage: Storage) -> bool:
    """A drive letter of Windows seen from Linux: 9p, drvfs or virtiofs."""
    source = storage.source or ""
    named = source[1:2] == ":" or source.startswith("drvfs")
    return storage.storage_class == "host share" and (
        named or any("drvfs" in option for option in storage.options)
    )


def is_rotational(storage: Storage) -> bool:
    """Whether the disk says that it turns."""
    return storage.block_device is not None and storage.block_device.rotational is True


def is_virtual(storage: Storage) -> bool:
    """A disk that is a file or a service elsewhere; what it says of turning means nothing."""
    device = storage.block_device
    return device is not None and all(
        disk.startswith(("vd", "xvd", "loop", "nbd", "zram")) for disk in device.disks
    )


def off_the_drive(setting: str | None) -> str:
    """How to leave a Windows drive."""
    where = f" and name it in {setting}" if setting else ""
    return (
        "Each read crosses from Linux to Windows (measured elsewhere: 90-250 MB/s where the disk gives "
        f"GB/s). Keep it on the Linux side, for example under ~/{where}, or in a named volume; "
        f"{WINDOWS_PAGE}, step 3."
    )
