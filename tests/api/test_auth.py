"""How the API's keys are made, kept and compared."""

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from services.api.auth import has_valid_checksum, load_keys, make_key_file, new_key
from services.api.logs import without_keys
from shared.errors import Unauthorized
from shared.settings import Settings


def test_a_key_has_a_name_256_random_bits_and_a_checksum() -> None:
    key = new_key()
    assert re.fullmatch(r"td_[A-Za-z0-9]{8}_[A-Za-z0-9_-]{43}[A-Za-z0-9]{6}", key)
    assert has_valid_checksum(key)
    assert not has_valid_checksum(key[:20] + ("x" if key[20] != "x" else "y") + key[21:])
    assert not has_valid_checksum(key[:-1])
    assert new_key() != key


def test_processes_that_start_at_once_make_one_key(tmp_path: Path) -> None:
    path = tmp_path / "api.key"
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: make_key_file(path), range(8)))
    assert made.count(True) == 1
    assert [found.name for found in tmp_path.iterdir()] == ["api.key"]
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_new_key_stands_whole_on_a_line_of_its_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A terminal cuts long lines; a key that was cut opens nothing."""
    settings = Settings(data_dir=tmp_path)
    load_keys(settings)
    assert (tmp_path / "api.key").read_text().strip() in capsys.readouterr().err.splitlines()
    load_keys(settings)
    assert capsys.readouterr().err == ""


def test_a_configured_file_may_hold_several_keys_and_remarks(tmp_path: Path) -> None:
    old, new = new_key(), new_key()
    path = tmp_path / "keys"
    path.write_text(f"# rotated in May\n{old}\n\n  {new}  \n")
    keys = load_keys(Settings(data_dir=tmp_path, api_keys_file=path))
    for key in (old, new):
        keys.check(f"Bearer {key}")
        keys.check(f"bearer  {key}")
    for header in (None, "", "Bearer", f"Basic {old}", old, f"Bearer {old}x", "Bearer # rotated in May"):
        with pytest.raises(Unauthorized):
            keys.check(header)
    assert not (tmp_path / "api.key").exists()


@pytest.mark.parametrize(
    ("content", "words"), [("", "no API key"), ("# none\n", "no API key"), ("short\n", "fewer than")]
)
def test_a_file_without_a_usable_key_stops_the_start(tmp_path: Path, content: str, words: str) -> None:
    path = tmp_path / "keys"
    path.write_text(content)
    with pytest.raises(ValueError, match=words):
        load_keys(Settings(data_dir=tmp_path, api_keys_file=path))


def test_a_key_is_blotted_out_of_logs() -> None:
    key = new_key()
    assert key[12:] not in without_keys(f"someone sent {key} in a path")
