"""`./tunedock key` prints the keys of this installation, or says where it looked."""

import json
from pathlib import Path

import pytest

from services.cli.__main__ import main
from services.cli.key import GRAFANA_VARIABLE


@pytest.fixture(autouse=True)
def data_dir(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    monkeypatch.setenv("TUNEDOCK_DATA_DIR", str(folder))
    return folder


def test_the_key_alone_is_printed(data_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (data_dir / "api.key").write_text("# made at first start\ntd-abc\ntd-second\n")
    assert main(["key"]) == 0
    assert capsys.readouterr().out == "td-abc\n"
    assert main(["key", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"key": "td-abc", "file": str(data_dir / "api.key")}


def test_a_keys_file_of_the_settings_goes_first(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (data_dir / "api.key").write_text("td-abc\n")
    (data_dir / "keys").write_text("td-mine\n")
    monkeypatch.setenv("TUNEDOCK_API_KEYS_FILE", str(data_dir / "keys"))
    assert main(["key"]) == 0
    assert capsys.readouterr().out == "td-mine\n"


def test_a_missing_key_says_where_it_was_looked_for_and_what_to_do(
    data_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["key"]) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert str(data_dir / "api.key") in told.err
    assert "./tunedock up" in told.err
    assert "docker compose exec api tunedock key" in told.err


def test_a_key_that_can_not_be_read_is_told(data_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (data_dir / "api.key").mkdir()
    assert main(["key"]) == 1
    assert "Is a directory" in capsys.readouterr().err


def test_grafanas_password_is_printed_where_there_is_one(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (data_dir / "password").write_text("pass\n")
    monkeypatch.setenv(GRAFANA_VARIABLE, str(data_dir / "password"))
    assert main(["key", "--grafana"]) == 0
    assert capsys.readouterr().out == "pass\n"
    assert main(["key", "--grafana", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "user": "admin",
        "password": "pass",
        "file": str(data_dir / "password"),
    }


def test_without_grafana_it_says_where_to_ask(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["key", "--grafana"]) == 1
    assert "docker compose exec api tunedock key --grafana" in capsys.readouterr().err
    monkeypatch.setenv(GRAFANA_VARIABLE, str(data_dir / "absent"))
    assert main(["key", "--grafana"]) == 1
    assert str(data_dir / "absent") in capsys.readouterr().err
    (data_dir / "absent").touch()
    assert main(["key", "--grafana", "--json"]) == 1
    assert "is empty" in json.loads(capsys.readouterr().out)["error"]["message"]
