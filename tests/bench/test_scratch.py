"""A benchmark's folder: one at a time, gone afterwards, and cleared of what a killed one left there."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench.scratch import NoScratch, scratch_folder
from shared.settings import PROJECT_ROOT

MOUNTED_AND_KILLED = """
import os, signal, sys
from pathlib import Path
from bench.scratch import scratch_folder
from bench.slow_disk import NoSlowDisk, Throttle, slow_disk

with scratch_folder(Path(sys.argv[1]), 0) as folder:
    try:
        with slow_disk(folder, 64 * 1024**2) as disk, disk.throttled(Throttle(reads_per_second=400)):
            (disk.folder / "file").write_bytes(bytes(4096))
            os.kill(os.getpid(), signal.SIGKILL)
    except NoSlowDisk as reason:
        sys.exit(str(reason))
"""


def test_the_folder_is_gone_afterwards_even_after_an_error(tmp_path: Path) -> None:
    def fail() -> None:
        with scratch_folder(tmp_path / "scratch", 0) as folder:
            (folder / "file").write_bytes(b"content")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert not list((tmp_path / "scratch").iterdir())


def test_a_second_benchmark_in_the_same_folder_is_refused(tmp_path: Path) -> None:
    with (
        scratch_folder(tmp_path, 0) as folder,
        pytest.raises(NoScratch, match="another benchmark"),
        scratch_folder(tmp_path, 0),
    ):
        pass
    assert not folder.exists()


def test_a_disk_that_a_killed_benchmark_left_mounted_is_taken_away_by_the_next(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", MOUNTED_AND_KILLED, str(tmp_path)],
        cwd=PROJECT_ROOT,
        env=os.environ | {"PYTHONPATH": str(PROJECT_ROOT)},
        capture_output=True,
        text=True,
    )
    if done.returncode == 1:
        pytest.skip(done.stderr.strip())
    [left] = tmp_path.iterdir()
    assert (left / "disk" / "file").is_file()
    with scratch_folder(tmp_path, 0) as folder:
        assert list(tmp_path.iterdir()) == [folder]
    assert str(tmp_path) not in Path("/proc/self/mounts").read_text()
    loops = subprocess.run(["losetup", "--list", "--output", "BACK-FILE"], capture_output=True, text=True)
    assert str(tmp_path) not in loops.stdout
    assert not list(tmp_path.iterdir())
