"""`backup` and `restore`: what was saved comes back whole, or nothing is changed; nothing is mixed."""

import io
import json
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import pytest

from services.cli.__main__ import main
from services.cli.store import prepare_store
from shared.backup.archive import MANIFEST, BackupUnusable, check_backup
from shared.worker_store import WorkerStore
from tests.cli.test_store import running
from tests.filled_installation import TRAINING, FilledInstallation


@contextmanager
def opened(data_dir: Path) -> Iterator[FilledInstallation]:
    """The installation in `data_dir` with its embedded store."""
    (data_dir / "jobs").mkdir(parents=True, exist_ok=True)
    store = prepare_store(data_dir)
    with running(store) as process:
        yield FilledInstallation(WorkerStore.connect(store.access.url), store.access.url, data_dir)
        process.terminate()
        process.wait()


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    def run(data_dir: Path, *words: str) -> int:
        monkeypatch.setenv("TUNEDOCK_DATA_DIR", str(data_dir))
        return main(words)

    return run


def filled(data_dir: Path) -> tuple[str, str, str]:
    """A job that succeeded, one that is said to run, one that waits."""
    with opened(data_dir) as here:
        done = here.submit()
        here.trained()
        ran = here.submit(key="k")
        here.begin()
        waiting = here.submit()
    (data_dir / "api.key").write_text("secret\n")
    upload = data_dir / "files" / "file-1"
    upload.mkdir(parents=True)
    (upload / "content").write_text("rows")
    (upload / "file.json").write_text(json.dumps({"bytes": 4, "sha256": sha256(b"rows").hexdigest()}))
    (data_dir / "files" / ".incoming-1").mkdir()
    (data_dir / "files" / ".incoming-1" / "content").write_text("half")
    copy = data_dir / "models" / "copy"
    copy.mkdir(parents=True)
    (copy / "model.safetensors").write_text("x" * 1000)
    return done, ran, waiting


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_what_was_saved_comes_back_into_an_empty_folder(
    tmp_path: Path, command: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    old, new, file = tmp_path / "old", tmp_path / "new", tmp_path / "backup.tar"
    done, ran, waiting = filled(old)
    assert command(old, "backup", str(file), "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["jobs"], told["left_out_bytes"]) == (3, {"models": 1000, "checkpoints": 0})
    assert file.stat().st_mode & 0o077 == 0
    assert command(new, "restore", str(file)) == 0
    saved, back = tree(old / "jobs"), tree(new / "jobs")
    assert back == saved
    assert (new / "api.key").read_text() == "secret\n"
    assert set(tree(new / "files")) == {"file-1/content", "file-1/file.json"}
    assert not (new / "models").exists()
    with opened(new) as here:
        assert [record.id for record in here.store.list_jobs().records] == [waiting, ran, done]
        assert here.store.get(done).status == "succeeded"
        assert here.store.get(ran).status == "queued"  # nobody runs it any more
        claim = here.claim()
        assert (claim.job_id, claim.attempt) == (ran, 2)
        again = here.store.submit(
            "ftjob-x",
            TRAINING,
            owner="local",
            idempotency_key="k",
            fingerprint="f",
            is_retry=False,
            max_queued_jobs=9,
        )
        assert (again.created, again.record.id) == (False, ran)


def test_checkpoints_are_left_out_and_models_included_when_asked(
    tmp_path: Path, command: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    filled(tmp_path / "old")
    file = tmp_path / "backup.tar"
    words = ("backup", str(file), "--without-checkpoints", "--with-models", "--json")
    assert command(tmp_path / "old", *words) == 0
    assert json.loads(capsys.readouterr().out)["left_out_bytes"]["checkpoints"] > 0
    names = check_backup(file)["files"]
    assert "data/models/copy/model.safetensors" in names
    assert not [name for name in names if "/checkpoints/" in name or ".incoming-" in name]


def test_a_folder_with_jobs_is_left_as_it_is_unless_it_is_to_be_replaced(
    tmp_path: Path, command: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    old, new, file = tmp_path / "old", tmp_path / "new", tmp_path / "backup.tar"
    done, *_ = filled(old)
    assert command(old, "backup", str(file)) == 0
    with opened(new) as here:
        other = here.submit()
    before = tree(new / "jobs")
    assert command(new, "restore", str(file)) == 1
    assert "never mixes" in capsys.readouterr().err
    assert tree(new / "jobs") == before
    assert command(new, "restore", str(file), "--replace") == 0
    (aside,) = (new / "set-aside").iterdir()
    assert tree(aside / "jobs") == before
    with opened(new) as here:
        assert here.store.get(done).status == "succeeded"
        assert other not in [record.id for record in here.store.list_jobs().records]


def test_a_backup_does_not_overwrite_a_file(tmp_path: Path, command: Callable[..., int]) -> None:
    filled(tmp_path / "old")
    (tmp_path / "backup.tar").write_text("mine")
    assert command(tmp_path / "old", "backup", str(tmp_path / "backup.tar")) == 2
    assert (tmp_path / "backup.tar").read_text() == "mine"


def test_a_disk_without_room_is_told_beforehand(
    tmp_path: Path,
    command: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    filled(tmp_path / "old")
    monkeypatch.setattr("services.cli.backup.ROOM_BYTES", 2**60)
    assert command(tmp_path / "old", "backup", str(tmp_path / "backup.tar")) == 1
    assert "the backup needs" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["old"]


@pytest.mark.parametrize("text", [b'"status"', b"a row", b"adapter_model.safetensors of", b'"sha256": "'])
def test_a_damaged_backup_changes_nothing(tmp_path: Path, command: Callable[..., int], text: bytes) -> None:
    filled(tmp_path / "old")
    file = tmp_path / "backup.tar"
    assert command(tmp_path / "old", "backup", str(file)) == 0
    content = bytearray(file.read_bytes())
    content[content.index(text) + len(text) - 1] ^= 1
    file.write_bytes(content)
    assert command(tmp_path / "new", "restore", str(file)) == 1
    assert not (tmp_path / "new" / "jobs").exists()


def test_a_backup_that_was_cut_changes_nothing(tmp_path: Path, command: Callable[..., int]) -> None:
    filled(tmp_path / "old")
    file = tmp_path / "backup.tar"
    assert command(tmp_path / "old", "backup", str(file)) == 0
    whole = file.read_bytes()
    for size in (0, 100, 512, len(whole) // 2, len(whole) - 12_000):
        file.write_bytes(whole[:size])
        assert command(tmp_path / "new", "restore", str(file)) == 1
    assert not (tmp_path / "new" / "jobs").exists()


def _member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname, member.size = kind, link, 0
    return member


@pytest.mark.parametrize(
    "member",
    [
        _member("../outside"),
        _member("/etc/outside"),
        _member("data/jobs/../../outside"),
        _member("data/store/valkey.conf"),
        _member("data/jobs//x"),
        _member("data/jobs/link", tarfile.SYMTYPE, "/etc/passwd"),
        _member("data/jobs/hard", tarfile.LNKTYPE, "store.jsonl"),
        _member("data/jobs/device", tarfile.CHRTYPE),
        _member("data/jobs/pipe", tarfile.FIFOTYPE),
        _member("data/jobs/folder", tarfile.DIRTYPE),
    ],
    ids=lambda member: member.name,
)
def test_a_member_that_no_backup_has_is_refused(tmp_path: Path, member: tarfile.TarInfo) -> None:
    file = tmp_path / "backup.tar"
    manifest = json.dumps({"format": 1, "files": {member.name: {"bytes": 0, "sha256": "x"}}}).encode()
    last = tarfile.TarInfo(MANIFEST)
    last.size = len(manifest)
    with tarfile.open(file, "w") as tar:
        tar.addfile(member)
        tar.addfile(last, io.BytesIO(manifest))
    with pytest.raises(BackupUnusable) as refused:
        check_backup(file)
    assert refused.value.said.message_id in ("backup-has-more", "backup-unreadable")


def test_a_restore_that_was_cut_short_keeps_the_service_from_starting(
    tmp_path: Path, command: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "restore-under-way").touch()
    assert command(tmp_path / "data", "up") == 1
    assert "did not come to its end" in capsys.readouterr().err
