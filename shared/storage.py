"""The storage beneath a path: its mount, its filesystem's class and the disk that turns.

Nothing here reads file content and nothing raises for an unknown machine: what can't be found out is None,
with the reason in `Storage.unknown`.
"""

import os
import re
from collections.abc import Iterable
from pathlib import Path

from shared.messages.message import Message, say
from shared.reports.storage import BlockDevice, Storage, StorageClass
from shared.schemas.frozen import Frozen

# A host share is a folder of the machine around this one (Windows under WSL2, the shared folder of a
# hypervisor or of Docker Desktop): each request crosses that border, so it is slow whatever the disk is.
_FILESYSTEMS: dict[StorageClass, str] = {
    "local": "ext2 ext3 ext4 xfs btrfs zfs f2fs bcachefs jfs reiserfs ntfs ntfs3 exfat vfat erofs squashfs "
    "iso9660 fuse.bindfs",
    "memory": "tmpfs ramfs devtmpfs hugetlbfs",
    "network": "nfs nfs4 cifs smb3 smbfs lustre ceph gpfs beegfs afs orangefs pvfs2 glusterfs ocfs2 gfs2 "
    "fuse.sshfs fuse.glusterfs fuse.ceph fuse.s3fs fuse.rclone fuse.gcsfuse fuse.goofys fuse.mountpoint-s3 "
    "fuse.juicefs fuse.blobfuse2 fuse.hf-mount fuse.davfs davfs fuse.moosefs fuse.seaweedfs",
    "host share": "9p drvfs virtiofs vboxsf prl_fs vmhgfs fuse.vmhgfs-fuse fuse.grpcfuse grpcfuse osxfs "
    "fuse.osxfs fakeowner fuse.portal",
    "layered": "overlay aufs fuse.fuse-overlayfs unionfs fuse.unionfs fuse.mergerfs",
}
_CLASS_OF: dict[str, StorageClass] = {
    name: storage_class for storage_class, names in _FILESYSTEMS.items() for name in names.split()
}
# The options that change how fast a filesystem reads; others may name users and servers and stay out.
_TELLING_OPTIONS = re.compile(
    r"^(ro|sync|dax\b.*|(aname|trans|msize|cache|rsize|vers|proto|nconnect|compress|compress-force)=.*)$"
)

Reasons = dict[str, str | Message]
"""Field → why it is not known."""


class Mount(Frozen):
    """One line of /proc/self/mountinfo; see proc_pid_mountinfo(5)."""

    device: str
    """`major:minor`; major 0 is anonymous: no block device of its own (overlay, btrfs, network, FUSE)."""
    root: str
    mount_point: str
    filesystem: str
    source: str
    options: tuple[str, ...] = ()


def classify(filesystem: str) -> StorageClass:
    """The class of a mountinfo filesystem type; any other `fuse…` is "fuse"."""
    known = _CLASS_OF.get(filesystem.lower())
    if known is not None:
        return known
    return "fuse" if filesystem.lower().startswith("fuse") else "unknown"


def parse_mountinfo(text: str) -> list[Mount]:
    """Mounts in mount order; lines of another shape are skipped."""
    return [mount for line in text.splitlines() if (mount := _parse_mount(line)) is not None]


def find_mount(mounts: Iterable[Mount], real_path: str, device: str | None = None) -> Mount | None:
    """The mount that serves `real_path`: among those of the file's own `device` the longest, then the latest.

    The device decides first because a longer mount point may be hidden by a later mount above it. Filesystems
    whose files carry another device than their mount (btrfs subvolumes) fall back to the longest alone.
    """
    serving = [mount for mount in mounts if _is_within(real_path, mount.mount_point)]
    same_device = [mount for mount in serving if mount.device == device]
    return max(enumerate(same_device or serving), key=_longest_then_latest, default=(0, None))[1]


def storage_of(path: Path, *, proc: Path = Path("/proc"), sys: Path = Path("/sys")) -> Storage:
    """What lies beneath `path` (links followed). `proc` and `sys` are other roots for recorded machines."""
    real_path = os.path.realpath(path)
    unknown: Reasons = {}
    device = _device_of(real_path, unknown)
    mount = _mount_of(real_path, device, proc, unknown)
    total, free = _space(real_path, unknown)
    if mount is None:
        unknown.setdefault("mount_point", say("no-mount-covers-path-piece"))
        return Storage(
            path=str(path), real_path=real_path, total_bytes=total, free_bytes=free, unknown=unknown
        )
    return Storage(
        path=str(path),
        real_path=real_path,
        storage_class=classify(mount.filesystem),
        filesystem=mount.filesystem,
        mount_point=mount.mount_point,
        source=mount.source,
        options=tuple(option for option in mount.options if _TELLING_OPTIONS.match(option)),
        block_device=_block_device(mount, device, sys, unknown),
        total_bytes=total,
        free_bytes=free,
        unknown=unknown,
    )


def describe_device(device: str, sys: Path = Path("/sys")) -> BlockDevice | None:
    """The block device `major:minor`, or None if this machine has none of that number."""
    link = sys / "dev/block" / device
    if not link.exists():
        return None
    folder = Path(os.path.realpath(link))
    whole = folder.parent if (folder / "partition").exists() else folder
    rotational = _read_number(whole / "queue/rotational")
    read_ahead_kib = _read_number(whole / "queue/read_ahead_kb")
    return BlockDevice(
        name=folder.name,
        device=device,
        disks=tuple(sorted(_disks_below(whole))),
        rotational=None if rotational is None else rotational == 1,
        read_ahead_bytes=None if read_ahead_kib is None else read_ahead_kib * 1024,
        backing_file=_read_text(whole / "loop/backing_file"),
    )


def _parse_mount(line: str) -> Mount | None:
    before, separator, after = line.partition(" - ")
    left, right = before.split(" "), after.split(" ")
    if not separator or len(left) < 6 or len(right) < 2:
        return None
    # Sources such as `C:\` and points with blanks arrive octal-escaped; super options follow the source.
    super_options = right[2] if len(right) > 2 else ""
    return Mount(
        device=left[2],
        root=_unescape(left[3]),
        mount_point=_unescape(left[4]),
        filesystem=right[0],
        source=_unescape(right[1]),
        options=tuple(option for option in f"{left[5]},{_unescape(super_options)}".split(",") if option),
    )


def _unescape(text: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), text)


def _is_within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def _longest_then_latest(numbered: tuple[int, Mount]) -> tuple[int, int]:
    order, mount = numbered
    return len(mount.mount_point), order


def _device_of(real_path: str, unknown: Reasons) -> str | None:
    try:
        number = Path(real_path).stat().st_dev
    except OSError as error:
        unknown["device"] = say("stat-failed-piece", error=error.strerror)
        return None
    return f"{os.major(number)}:{os.minor(number)}"


def _mount_of(real_path: str, device: str | None, proc: Path, unknown: Reasons) -> Mount | None:
    try:
        text = (proc / "self/mountinfo").read_text(errors="surrogateescape")
    except OSError as error:
        unknown["mount_point"] = say("mountinfo-unreadable-piece", error=error.strerror)
        return None
    return find_mount(parse_mountinfo(text), real_path, device)


def _space(real_path: str, unknown: Reasons) -> tuple[int | None, int | None]:
    try:
        space = os.statvfs(real_path)
    except OSError as error:
        unknown["free_bytes"] = say("statvfs-failed-piece", error=error.strerror)
        return None, None
    return space.f_blocks * space.f_frsize, space.f_bavail * space.f_frsize


def _block_device(mount: Mount, device: str | None, sys: Path, unknown: Reasons) -> BlockDevice | None:
    for number in (mount.device, device, _device_of_source(mount.source, sys)):
        if number is not None and (found := describe_device(number, sys)) is not None:
            return found
    unknown["block_device"] = say("no-block-device-piece", filesystem=mount.filesystem)
    return None


def _device_of_source(source: str, sys: Path) -> str | None:
    """`major:minor` of a source like /dev/sda2 (btrfs mounts are anonymous, their source is not)."""
    if not source.startswith("/dev/"):
        return None
    text = _read_text(sys / "class/block" / Path(source).name / "dev")
    if text is not None:
        return text
    try:
        number = Path(source).stat().st_rdev
    except OSError:
        return None
    return f"{os.major(number)}:{os.minor(number)}" if number else None


def _disks_below(folder: Path) -> set[str]:
    slaves = folder / "slaves"
    below = sorted(slaves.iterdir()) if slaves.is_dir() else []
    disks: set[str] = set()
    for slave in below:
        real = Path(os.path.realpath(slave))
        disks |= _disks_below(real.parent if (real / "partition").exists() else real)
    return disks or {folder.name}


def _read_text(path: Path) -> str | None:
    try:
        return path.read_text().strip()
    except OSError:
        return None


def _read_number(path: Path) -> int | None:
    text = _read_text(path)
    return int(text) if text is not None and text.isdigit() else None
