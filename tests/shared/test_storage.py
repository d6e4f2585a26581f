"""Which mount, filesystem and disk a path lies on: recorded machines, and this one against `df`."""

import os
import subprocess
from pathlib import Path

import pytest

from shared.messages.render import told
from shared.storage import (
    Mount,
    classify,
    describe_device,
    find_mount,
    parse_mountinfo,
    storage_of,
)

RECORDINGS = Path(__file__).parent / "mountinfo"


def recorded(name: str) -> list[Mount]:
    return parse_mountinfo((RECORDINGS / f"{name}.txt").read_text())


def found(name: str, path: str, device: str | None = None) -> Mount:
    mount = find_mount(recorded(name), path, device)
    assert mount is not None
    return mount


@pytest.mark.parametrize(
    ("recording", "path", "device", "filesystem", "storage_class", "source"),
    [
        ("wsl2_9p", "/mnt/c/Users/me/hub/model", "0:71", "9p", "host share", "C:\\"),
        ("wsl2_9p", "/home/me/hub/model", "8:48", "ext4", "local", "/dev/sdd"),
        ("wsl1_drvfs", "/mnt/d/hub", "0:9", "drvfs", "host share", "D:\\"),
        ("wsl2_virtiofs", "/mnt/c/hub", "0:72", "virtiofs", "host share", "drvfsaC9"),
        ("nfs", "/srv/models/exaone", "0:55", "nfs4", "network", "filer.example:/export/models"),
        ("cifs", "/mnt/team share/exaone", "0:58", "cifs", "network", "//files.example/team"),
        ("sshfs", "/home/me/remote/exaone", "0:60", "fuse.sshfs", "network", "me@host.example:/models"),
        ("ntfs_3g", "/media/usb/hub", "8:1", "fuseblk", "fuse", "/dev/sda1"),
        ("container", "/home/app/.cache/huggingface", "0:171", "overlay", "layered", "overlay"),
        ("container", "/cache/hub/models--a--b", "259:2", "ext4", "local", "/dev/nvme0n1p2"),
        ("container", "/models/exaone", "259:2", "ext4", "local", "/dev/nvme0n1p2"),
        ("container", "/dev/shm/model", "0:175", "tmpfs", "memory", "shm"),
        ("docker_desktop_macos", "/models/x", "0:40", "fakeowner", "host share", "/run/host_mark/Users"),
        ("docker_desktop_macos", "/cache/hub", "254:1", "ext4", "local", "/dev/vda1"),
        ("btrfs", "/home/me/.cache", "0:53", "btrfs", "local", "/dev/nvme0n1p3"),
        ("zfs", "/tank/models/exaone", "0:44", "zfs", "local", "tank/models"),
    ],
)
def test_a_recorded_machine_names_the_mount_that_serves_a_path(
    recording: str, path: str, device: str, filesystem: str, storage_class: str, source: str
) -> None:
    mount = found(recording, path, device)
    assert (mount.filesystem, classify(mount.filesystem), mount.source) == (filesystem, storage_class, source)


def test_the_mount_of_a_named_volume_shows_where_it_is_on_the_host() -> None:
    assert found("container", "/cache/hub").root == "/var/lib/docker/volumes/hub-cache/_data"


def test_a_path_that_only_begins_like_a_mount_point_is_not_on_it() -> None:
    assert found("wsl2_9p", "/mnt/cache/hub").mount_point == "/"


def test_a_longer_mount_hidden_by_a_later_one_does_not_serve() -> None:
    assert found("overmounted", "/srv/models/old/x", "8:33").source == "/dev/sdc1"


def test_of_two_mounts_at_one_point_the_later_serves() -> None:
    assert found("overmounted", "/srv/scratch/x").source == "second"


def test_a_btrfs_subvolume_whose_files_have_another_device_falls_back_to_the_longest_mount() -> None:
    assert found("btrfs", "/home/me", "0:99").mount_point == "/home"


def test_lines_of_another_shape_are_skipped() -> None:
    assert (
        parse_mountinfo("\nnot a mount\n1 2 3 - \n28 1 259:2 / / rw - ext4 /dev/sda1 rw\n")[0].source
        == "/dev/sda1"
    )
    assert len(parse_mountinfo("\nnot a mount\n1 2 3 - \n28 1 259:2 / / rw - ext4 /dev/sda1 rw\n")) == 1


def test_a_filesystem_nobody_knows_is_unknown_and_an_unknown_fuse_is_fuse() -> None:
    assert (classify("newfs"), classify("fuse.newfs"), classify("NFS4")) == ("unknown", "fuse", "network")


def test_this_machine_is_described_as_df_does(tmp_path: Path) -> None:
    storage = storage_of(tmp_path)
    asked = ["df", "--output=fstype,target,source,avail", "-B1", str(tmp_path)]
    filesystem, target, source, _ = (
        subprocess.run(asked, capture_output=True, text=True, check=True).stdout.splitlines()[1].split()
    )
    assert (storage.filesystem, storage.mount_point, storage.source) == (filesystem, target, source)
    assert storage.free_bytes is not None
    assert storage.total_bytes is not None
    assert 0 < storage.free_bytes <= storage.total_bytes


def test_the_block_device_of_this_machine_has_the_files_own_number(tmp_path: Path) -> None:
    number = tmp_path.stat().st_dev
    storage = storage_of(tmp_path)
    if storage.block_device is None:
        assert "block_device" in storage.unknown
    elif os.major(number):
        assert storage.block_device.device == f"{os.major(number)}:{os.minor(number)}"


def test_shared_memory_is_memory() -> None:
    storage = storage_of(Path("/dev/shm"))
    assert (storage.filesystem, storage.storage_class) == ("tmpfs", "memory")
    assert storage.block_device is None
    assert "no block device" in told(storage.unknown["block_device"])


def test_a_link_is_followed_before_anything_is_asked(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/dev/shm")
    assert storage_of(tmp_path / "link").storage_class == "memory"


def test_without_proc_the_storage_is_unknown_with_a_reason(tmp_path: Path) -> None:
    storage = storage_of(tmp_path, proc=tmp_path / "absent")
    assert storage.storage_class == "unknown"
    assert "mountinfo is not readable" in told(storage.unknown["mount_point"])


def test_a_path_that_does_not_exist_is_described_by_its_mount_alone(tmp_path: Path) -> None:
    storage = storage_of(tmp_path / "absent")
    assert storage.filesystem is not None
    assert {"device", "free_bytes"} <= set(storage.unknown)


def test_who_mounted_a_share_is_not_part_of_a_report(tmp_path: Path) -> None:
    (tmp_path / "self").mkdir()
    line = recorded("cifs")[1]
    text = (RECORDINGS / "cifs.txt").read_text().replace("/mnt/team\\040share", str(tmp_path))
    (tmp_path / "self/mountinfo").write_text(text)
    storage = storage_of(tmp_path, proc=tmp_path)
    assert "username=someone" in line.options
    assert storage.options == ("vers=3.1.1", "cache=strict", "rsize=4194304")


def make_device(sys: Path, number: str, place: str, **files: str) -> Path:
    """A device as sysfs shows it: a folder, and a link by number to it."""
    folder = sys / "devices" / place
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        path = folder / name.replace("__", "/")
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"{text}\n")
    (sys / "dev/block").mkdir(parents=True, exist_ok=True)
    (sys / "dev/block" / number).symlink_to(folder)
    return folder


def test_a_partition_is_described_by_its_disk(tmp_path: Path) -> None:
    make_device(tmp_path, "8:0", "pci/sda", queue__rotational="1", queue__read_ahead_kb="128")
    make_device(tmp_path, "8:1", "pci/sda/sda1", partition="1")
    device = describe_device("8:1", tmp_path)
    assert device is not None
    assert (device.name, device.disks, device.rotational, device.read_ahead_bytes) == (
        "sda1",
        ("sda",),
        True,
        131_072,
    )


def test_an_encrypted_volume_over_two_disks_names_both(tmp_path: Path) -> None:
    make_device(tmp_path, "8:0", "pci/sda", queue__rotational="0")
    partition = make_device(tmp_path, "8:1", "pci/sda/sda1", partition="1")
    second = make_device(tmp_path, "8:16", "pci/sdb")
    lower = make_device(tmp_path, "253:0", "virtual/dm-0")
    upper = make_device(tmp_path, "253:1", "virtual/dm-1", queue__rotational="0")
    for layer, below in ((lower, partition), (lower, second), (upper, lower)):
        (layer / "slaves").mkdir(exist_ok=True)
        (layer / "slaves" / below.name).symlink_to(below)
    device = describe_device("253:1", tmp_path)
    assert device is not None
    assert (device.name, device.disks, device.rotational) == ("dm-1", ("sda", "sdb"), False)


def test_a_loop_device_names_its_file(tmp_path: Path) -> None:
    make_device(tmp_path, "7:3", "virtual/loop3", loop__backing_file="/srv/disk.img")
    device = describe_device("7:3", tmp_path)
    assert device is not None
    assert (device.backing_file, device.rotational, device.read_ahead_bytes) == ("/srv/disk.img", None, None)


def test_a_btrfs_volume_finds_its_disk_by_the_mounts_source(tmp_path: Path) -> None:
    make_device(tmp_path, "259:0", "pci/nvme0n1", queue__rotational="0")
    partition = make_device(tmp_path, "259:3", "pci/nvme0n1/nvme0n1p3", partition="3", dev="259:3")
    (tmp_path / "class/block").mkdir(parents=True)
    (tmp_path / "class/block/nvme0n1p3").symlink_to(partition)
    (tmp_path / "self").mkdir()
    (tmp_path / "self/mountinfo").write_text((RECORDINGS / "btrfs.txt").read_text())
    storage = storage_of(Path("/home"), proc=tmp_path, sys=tmp_path)
    assert storage.filesystem == "btrfs"
    assert storage.block_device is not None
    assert storage.block_device.disks == ("nvme0n1",)
    assert storage.options == ("compress=zstd:1",)


def test_a_device_this_machine_lacks_is_none(tmp_path: Path) -> None:
    assert describe_device("8:1", tmp_path) is None
