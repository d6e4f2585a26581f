"""The bound below the point where Windows puts a card's data into main memory."""

from pathlib import Path

import pytest
import torch

from services.worker.machine.memory_cap import cap_memory, find_cap, spills_silently

GB = 10**9


@pytest.mark.parametrize(
    ("version", "device", "expected"),
    [
        ("Linux version 5.15.167.4-microsoft-standard-WSL2 (root@f9c826d3017f)", True, True),
        ("Linux version 5.15.167.4-microsoft-standard-WSL2 (root@f9c826d3017f)", False, True),
        ("Linux version 6.8.0-45-generic (buildd@lcy02-amd64-075)", True, True),
        ("Linux version 6.8.0-45-generic (buildd@lcy02-amd64-075)", False, False),
        (None, False, False),
    ],
)
def test_wsl_is_known_by_its_kernel_or_by_its_device(
    tmp_path: Path, version: str | None, device: bool, expected: bool
) -> None:
    (tmp_path / "dev").mkdir()
    (tmp_path / "proc").mkdir()
    if version is not None:
        (tmp_path / "proc" / "version").write_text(version)
    if device:
        (tmp_path / "dev" / "dxg").touch()
    assert spills_silently(tmp_path) == expected


def test_where_nothing_spills_there_is_no_bound() -> None:
    assert (
        find_cap(free_bytes=5 * GB, held_bytes=0, total_bytes=6 * GB, wanted_bytes=None, spills=False) is None
    )
    assert find_cap(free_bytes=5 * GB, held_bytes=0, total_bytes=6 * GB, wanted_bytes=0, spills=True) is None


@pytest.mark.parametrize(("total", "left"), [(6 * GB, 0.6 * GB), (24 * GB, 1.344 * GB)])
def test_under_windows_a_share_of_the_card_stays_free_beside_what_others_use(total: int, left: float) -> None:
    others = 700_000_000
    cap = find_cap(free_bytes=total - others, held_bytes=0, total_bytes=total, wanted_bytes=None, spills=True)
    assert cap is not None
    assert cap.left_bytes == left
    assert cap.allowed_bytes == total - others - left
    assert cap.ratio == pytest.approx((total - others - left) / total)


def test_what_an_earlier_job_holds_is_this_jobs_and_never_forbidden() -> None:
    held = find_cap(
        free_bytes=1 * GB, held_bytes=4 * GB, total_bytes=6 * GB, wanted_bytes=2 * GB, spills=False
    )
    assert held is not None
    assert held.allowed_bytes == 4 * GB
    more = find_cap(
        free_bytes=3 * GB, held_bytes=2 * GB, total_bytes=6 * GB, wanted_bytes=1 * GB, spills=False
    )
    assert more is not None
    assert more.allowed_bytes == 4 * GB


def test_a_processor_has_no_bound() -> None:
    assert cap_memory(torch.device("cpu"), 1 * GB) is None
