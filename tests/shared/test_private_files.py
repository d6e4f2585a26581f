"""The data folder is its owner's alone; what an earlier version left open is closed once."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.messages.message import Message
from shared.messages.render import render
from shared.private_files import close_to_others, keep_private, open_as_usual


@pytest.fixture(autouse=True)
def _umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def opened(data: Path) -> list[Path]:
    """A data folder as it was made before: everybody may read it."""
    folder = data / "files" / "file-a"
    folder.mkdir(parents=True)
    (folder / "content").write_text("private rows")
    (data / "api.key").touch(0o600)
    (data / "jobs").mkdir()
    (data / "jobs" / "run.sh").touch(0o755)
    return [data, data / "files", folder, folder / "content", data / "jobs", data / "jobs" / "run.sh"]


def test_what_an_earlier_version_left_open_is_closed_once_and_counted(tmp_path: Path) -> None:
    data = tmp_path / "data"
    paths = opened(data)
    said: list[Message] = []
    keep_private(data, said.append)
    assert [render(message) for message in said] == [
        f"{len(paths)} of the files and folders in {data} could be used by other users. Now only you can "
        "use them."
    ]
    assert [mode(path) for path in paths] == [0o700, 0o700, 0o700, 0o600, 0o700, 0o700]
    (data / "files" / "new").mkdir()
    assert mode(data / "files" / "new") == 0o700
    keep_private(data, said.append)
    assert len(said) == 1


def test_a_folder_with_other_things_in_it_keeps_them_as_they_are(tmp_path: Path) -> None:
    opened(tmp_path / "data")
    photo = tmp_path / "data" / "photos" / "a.jpg"
    photo.parent.mkdir()
    photo.touch(0o644)
    assert close_to_others(tmp_path / "data") == 5
    assert (mode(tmp_path / "data"), mode(photo.parent), mode(photo)) == (0o755, 0o755, 0o644)


def test_links_are_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir(mode=0o755)
    opened(tmp_path / "data")
    (tmp_path / "data" / "models").symlink_to(outside)
    close_to_others(tmp_path / "data")
    assert mode(outside) == 0o755


def test_files_that_are_not_ours_are_made_as_usual(tmp_path: Path) -> None:
    keep_private(tmp_path / "data")
    with open_as_usual():
        (tmp_path / "cached").touch()
    (tmp_path / "ours").touch()
    assert (mode(tmp_path / "cached") & 0o044, mode(tmp_path / "ours")) == (0o044, 0o600)
