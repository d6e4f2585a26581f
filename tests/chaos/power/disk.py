"""ext4 filesystems in files, on loop devices: what a copy of such a file holds is what a power cut leaves.

Two of them, since the store may lie on another disk than the data folder: otherwise each write of the store,
which it brings to disk, would have ext4's journal bring along what nobody else did.
"""

import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.disks import Disks
from tests.small_disk import MIB, may_mount

NAMES = ("data", "store")  # the store's lies in the data folder
SIZES = {"data": 4096 * MIB, "store": 512 * MIB}
INODES = 16384
TRIES, PAUSE_SECONDS = 400, 0.005
# As distributions mount it, and as unkindly as ext4 can be: names come to disk before contents, renames are
# not helped along, and the journal is written only when somebody asks for it.
MOUNTS = {"usual": "rw", "unkind": "data=writeback,noauto_da_alloc,commit=300"}
_WRITES, _IN_FLIGHT, _FLUSHES = 4, 8, 15  # Documentation/block/stat.rst


def missing_parts() -> list[str]:
    """What this machine lacks for power cuts; nothing where they can be made."""
    tools = [name for name in ("losetup", "mkfs.ext4", "mount", "umount") if not shutil.which(name)]
    lacks_loop = not Path("/dev/loop-control").exists()
    return [*([] if may_mount() else ["root"]), *tools, *(["loop devices"] if lacks_loop else [])]


@dataclass(frozen=True)
class Images:
    """The files of the filesystems, in one folder."""

    folder: Path

    def of(self, name: str) -> Path:
        return self.folder / f"{name}.img"

    def make(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        for name in NAMES:
            with self.of(name).open("wb") as file:
                file.truncate(SIZES[name])
            # All tables at once: the kernel would write them later, at moments of its own.
            options = ["-E", "lazy_itable_init=0,lazy_journal_init=0", "-N", str(INODES)]
            _run("mkfs.ext4", "-q", "-F", *options, "-J", "size=16", str(self.of(name)))


class PowerDisks(Disks):
    """Takes the place of a run's disks; a context manager that mounts `images` on the data folder."""

    def __init__(self, data_dir: Path, images: Images, options: str) -> None:
        super().__init__(data_dir, lambda: ())
        self._images, self._options = images, options
        self._devices: dict[str, str] = {}

    def __enter__(self) -> "PowerDisks":
        for name in NAMES:
            folder = self._folders[name]
            folder.mkdir(parents=True, exist_ok=True)
            device = _run("losetup", "-f", "--show", str(self._images.of(name))).strip()
            self._devices[name] = device
            _run("mount", "-t", "ext4", "-o", self._options, device, str(folder))
            folder.chmod(0o700)  # as `up` makes it
        return self

    def __exit__(self, *_: object) -> None:
        for name in reversed(list(self._devices)):
            subprocess.run(["umount", str(self._folders[name])], check=False)
            _run("losetup", "-d", self._devices.pop(name))

    def copy(self, target: Images) -> None:
        """The devices as they are now; call it while every process that writes is stopped.

        What the kernel itself still writes is waited for, and a copy amid which it wrote is made again.
        """
        target.folder.mkdir(parents=True)
        for _ in range(TRIES):
            before = [self._written(name) for name in NAMES]
            for name in NAMES:
                _run("cp", "--sparse=always", str(self._images.of(name)), str(target.of(name)))
            if before == [self._written(name) for name in NAMES] and not any(busy for *_, busy in before):
                return
            time.sleep(PAUSE_SECONDS)
        raise TimeoutError("the kernel wrote all the time")

    def _written(self, name: str) -> tuple[int, int, int]:
        """Writes and flushes that the device has done, and what it is doing."""
        device = Path("/sys/block") / Path(self._devices[name]).name / "stat"
        numbers = [int(word) for word in device.read_text().split()]
        return numbers[_WRITES], numbers[_FLUSHES], numbers[_IN_FLIGHT]


def _run(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout
