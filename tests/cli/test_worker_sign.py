"""What the supervisor makes of the worker's signs of life."""

import os
from pathlib import Path

import pytest

from services.cli.worker_sign import WorkerSign
from shared.life_sign import life_sign


@pytest.fixture
def sign(tmp_path: Path) -> Path:
    path = life_sign(tmp_path, "worker", 7)
    path.parent.mkdir()
    return path


def test_a_sign_that_stands_still_is_silence_and_one_that_moves_is_none(tmp_path: Path, sign: Path) -> None:
    gives_sign = WorkerSign(tmp_path, "worker", lambda: 7, hang_seconds=60)
    assert gives_sign()  # it may be starting
    sign.touch()
    assert gives_sign()
    assert not gives_sign()
    os.utime(sign, (1, 1))
    assert gives_sign()


def test_a_process_that_never_gave_a_sign_is_silent_after_three_times_as_long(
    tmp_path: Path, sign: Path
) -> None:
    assert not WorkerSign(tmp_path, "worker", lambda: 7, hang_seconds=0)()
    assert WorkerSign(tmp_path, "worker", lambda: None, hang_seconds=0)()


@pytest.mark.parametrize("has_sign", [True, False])
def test_where_the_disk_takes_no_signs_nobody_is_called_silent(
    tmp_path: Path, sign: Path, has_sign: bool
) -> None:
    """The folder is a file here, as root may write into any folder."""
    gives_sign = WorkerSign(tmp_path, "worker", lambda: 7, hang_seconds=0)
    if has_sign:
        sign.touch()
        assert gives_sign()
    sign.unlink(missing_ok=True)
    sign.parent.rmdir()
    sign.parent.write_text("no folder")
    assert gives_sign()
