"""The storage beneath a path, as far as it is known."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from shared.reports.stored import Said, Stored, Word

StorageClass = Literal["local", "memory", "network", "host share", "fuse", "layered", "unknown"]


class BlockDevice(Stored):
    """A block device as the kernel describes it; virtual disks lie about `rotational`: no verdict."""

    lacking: ClassVar[Mapping[str, Any]] = {"name": "", "device": "", "disks": ()}

    name: str
    device: str
    disks: tuple[str, ...]
    """Whole disks that carry it, through partitions and device-mapper or RAID layers; itself if it is one."""
    rotational: bool | None = None
    read_ahead_bytes: int | None = None
    backing_file: str | None = None


class Storage(Stored):
    """Where a path really lies."""

    lacking: ClassVar[Mapping[str, Any]] = {"path": "", "real_path": ""}

    path: str
    real_path: str
    storage_class: Word[StorageClass] = "unknown"
    filesystem: str | None = None
    mount_point: str | None = None
    source: str | None = None
    options: tuple[str, ...] = ()
    block_device: BlockDevice | None = None
    total_bytes: int | None = None
    free_bytes: int | None = None
    unknown: dict[str, Said] = {}
    """Field → why it is not known."""
