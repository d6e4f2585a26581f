"""Files that are whole and stay after a power loss."""

from pathlib import Path

import pytest

from shared.durable import write_durably


def test_a_file_gets_no_name_where_what_goes_along_was_not_brought_to_disk(tmp_path: Path) -> None:
    (tmp_path / "rows").mkdir()
    with pytest.raises(FileNotFoundError):
        write_durably(tmp_path / "spec.json", b"{}", along=(tmp_path / "rows", tmp_path / "gone"))
    assert [path.name for path in tmp_path.iterdir()] == ["rows"]
    write_durably(tmp_path / "spec.json", b"{}", along=(tmp_path / "rows", tmp_path))
    assert (tmp_path / "spec.json").read_bytes() == b"{}"
