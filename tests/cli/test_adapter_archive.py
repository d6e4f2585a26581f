"""Unpacking a downloaded adapter: plain files of one folder, nothing elsewhere."""

import tarfile
from io import BytesIO
from pathlib import Path

import pytest

from services.cli.adapter_archive import unpack
from services.cli.failure import CommandFailed


def write_archive(path: Path, **contents: bytes) -> Path:
    with tarfile.open(path, mode="w") as tar:
        for name, content in contents.items():
            member = tarfile.TarInfo(f"job-adapter/{name}")
            member.size = len(content)
            tar.addfile(member, BytesIO(content))
    return path


def test_the_files_lie_in_the_folder_itself(tmp_path: Path) -> None:
    unpack(write_archive(tmp_path / "tar", config=b"{}", weights=b"123"), tmp_path / "adapter")
    found = {path.name: path.read_bytes() for path in (tmp_path / "adapter").iterdir()}
    assert found == {"config": b"{}", "weights": b"123"}


@pytest.mark.parametrize(
    "name", ["../outside", "adapter/../outside", "/outside", "/adapter", "adapter/deep/file", "alone"]
)
def test_an_archive_can_not_write_elsewhere(tmp_path: Path, name: str) -> None:
    with tarfile.open(tmp_path / "tar", mode="w") as tar:
        tar.addfile(tarfile.TarInfo(name), BytesIO(b""))
    with pytest.raises(CommandFailed, match="does not belong there"):
        unpack(tmp_path / "tar", tmp_path / "adapter")
    assert list((tmp_path / "adapter").iterdir()) == []


def test_links_are_not_unpacked(tmp_path: Path) -> None:
    link = tarfile.TarInfo("job-adapter/config")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/hostname"
    with tarfile.open(tmp_path / "tar", mode="w") as tar:
        tar.addfile(link)
    with pytest.raises(CommandFailed, match="does not belong there"):
        unpack(tmp_path / "tar", tmp_path / "adapter")


def test_a_cut_archive_is_said_plainly(tmp_path: Path) -> None:
    archive = write_archive(tmp_path / "tar", weights=bytes(100_000))
    archive.write_bytes(archive.read_bytes()[:50_000])
    with pytest.raises(CommandFailed, match="can't be read"):
        unpack(archive, tmp_path / "adapter")
