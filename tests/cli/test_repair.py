"""`doctor --repair` as a command: it shows, asks, mends, and says what is left, also of a damaged log."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from services.cli.__main__ import main
from services.cli.ports import free_port
from services.cli.store_log import log_files, seal_log
from shared.job_folder import JobFolder
from tests.cli.test_backup import opened
from tests.cli.test_store_log import flip

Command = Callable[..., int]


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Command:
    monkeypatch.setenv("TUNEDOCK_DATA_DIR", str(tmp_path))
    for name in ("API_PORT", "API_METRICS_PORT", "WORKER_METRICS_PORT"):
        monkeypatch.setenv(f"TUNEDOCK_{name}", str(free_port()))
    return lambda *words: main(words)


def told(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return [one["code"] for one in json.loads(capsys.readouterr().out)["troubles"]]


def test_nothing_is_changed_until_somebody_agrees(
    tmp_path: Path, command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    with opened(tmp_path) as here:
        job = here.submit()
        here.redis().flushall()
    assert command("doctor", "--repair") == 1
    shown = capsys.readouterr()
    assert "Jobs on disk that the store does not know: 1" in shown.out
    assert job in shown.out
    assert "--yes" in shown.err
    assert command("doctor", "--repair", "--json") == 1
    assert told(capsys) == ["record_lost"]
    assert command("doctor", "--repair", "--json", "--yes") == 0
    assert told(capsys) == ["record_lost"]
    assert command("doctor", "--repair") == 0
    assert "Store and disk agree. 1 job was compared." in capsys.readouterr().out
    with opened(tmp_path) as here:
        assert here.claim().job_id == job


@pytest.mark.parametrize("text", ["ftjob-", "$4\r\nHSET"])
def test_a_log_with_two_flipped_bytes_never_starts_without_a_word(
    tmp_path: Path, command: Command, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    with opened(tmp_path) as here:
        jobs = [here.submit() for _ in range(5)]
        here.trained()
    log = log_files(tmp_path / "store")[-1]
    seal_log(tmp_path / "store")
    content = log.read_bytes()
    flip(log, content.index(text.encode(), len(content) // 2))
    assert command("up") == 1
    assert "./tunedock doctor --repair" in capsys.readouterr().err
    assert command("doctor", "--repair") == 1
    assert "The store's log" in capsys.readouterr().out
    assert command("doctor", "--repair", "--yes") == 0
    assert (next((tmp_path / "set-aside").iterdir()) / "store" / "appendonlydir").is_dir()
    capsys.readouterr()
    assert command("doctor", "--repair", "--json") == 0
    assert told(capsys) == []
    with opened(tmp_path) as here:
        statuses = [here.store.get(job).status for job in jobs]
        assert statuses == ["succeeded", *["queued"] * 4]
        assert [here.claim().job_id for _ in range(4)] == jobs[1:]


def test_a_log_whose_beginning_is_gone_is_begun_anew(
    tmp_path: Path, command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    with opened(tmp_path) as here:
        job = here.submit()
    for path in log_files(tmp_path / "store"):
        path.unlink()
    assert command("up") == 1
    assert command("doctor", "--repair", "--yes") == 0
    with opened(tmp_path) as here:
        assert here.store.get(job).status == "queued"


@pytest.mark.parametrize("harm", ["gone", "empty", "garbled", "the whole log gone"])
def test_a_log_whose_list_of_files_is_lost_never_starts_without_a_word(
    tmp_path: Path, command: Command, capsys: pytest.CaptureFixture[str], harm: str
) -> None:
    """The store would begin a new one beside the old, or write into the old, and mix both later."""
    with opened(tmp_path) as here:
        jobs = [here.submit() for _ in range(3)]
    seal_log(tmp_path / "store")
    manifest = log_files(tmp_path / "store")[0].parent / "appendonly.aof.manifest"
    if harm == "the whole log gone":
        shutil.rmtree(manifest.parent)
    elif harm == "gone":
        manifest.unlink()
    else:
        manifest.write_text("garbage\n" if harm == "garbled" else "")
    assert command("up") == 1
    assert "./tunedock doctor --repair" in capsys.readouterr().err
    assert command("doctor", "--repair", "--yes") == 0
    capsys.readouterr()
    assert command("doctor", "--repair", "--json") == 0
    assert told(capsys) == []
    with opened(tmp_path) as here:
        assert [here.claim().job_id for _ in jobs] == jobs
        assert here.claim_nothing()


def test_what_can_only_be_told_is_told_and_left(
    tmp_path: Path, command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    with opened(tmp_path) as here:
        job = here.submit()
        spec = JobFolder.of(tmp_path, job).spec
        spec.unlink()
        spec.mkdir()
    assert command("doctor", "--repair", "--yes", "--json") == 1
    assert told(capsys) == ["not_readable"]
