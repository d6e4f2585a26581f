"""What kind of place a folder lies in, in words; the trap of Windows drives under WSL."""

from services.cli.doctor.checks.finding import windows_step
from services.cli.doctor.facts import Folder
from shared.messages.message import Message, say
from shared.reports.storage import Storage


def place(folder: Folder) -> Message:
    """Path and what carries it: `/mnt/c/tunedock (9p on C:\\)`."""
    storage = folder.storage
    disks = storage.block_device.disks if storage.block_device else ()
    source = ", ".join(disks) or storage.source or say("unknown-disk-piece")
    filesystem = storage.filesystem or say("unknown-filesystem-piece")
    if folder.exists:
        return say("folder-place-piece", folder=folder.path, filesystem=filesystem, source=source)
    return say("folder-place-to-be-piece", folder=folder.path, filesystem=filesystem, source=source)


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


def off_the_drive(setting: str | None) -> tuple[Message, Message]:
    """How to leave a Windows drive."""
    how = say("leave-windows-drive-by", setting=setting) if setting else say("leave-windows-drive")
    return how, windows_step(3)
