"""Commands against a real API without a worker: ids by their beginnings, keys, lists that stay up to date."""

import fcntl
import json
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.cli import job_list
from services.cli.__main__ import command_parser, main
from services.cli.client import Client
from shared.jobs import new_job_id
from shared.model_names import fine_tuned_model_id
from shared.schemas.requests import FineTuningRequest
from tests.adapter_folders import lay_out_adapter
from tests.api.server import Server
from tests.cli.conftest import empty
from tests.ledger import claim_next, submit

ROWS = '{"text": "win a prize", "label": "spam"}\n{"text": "see you", "label": "ham"}\n'


@pytest.fixture(autouse=True)
def _empty(server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    empty(server)
    monkeypatch.setenv("TUNEDOCK_DATA_DIR", str(tmp_path / "none"))
    monkeypatch.setenv("TUNEDOCK_SERVER", server.url)
    monkeypatch.setenv("TUNEDOCK_API_KEY", server.key)
    monkeypatch.chdir(tmp_path)


def run(*words: str) -> int:
    try:
        return main(words)
    except SystemExit as end:
        return int(end.code or 0)


def uploaded(server: Server, folder: Path, name: str = "rows.jsonl") -> str:
    (folder / name).write_text(ROWS)
    with Client(server.url, server.key) as client:
        return client.upload(folder / name)


def trained(server: Server, suffix: str | None = None) -> str:
    """The name of the model that a new job made."""
    job_id = new_job_id("fine_tuning")
    server.store.submit(
        job_id,
        FineTuningRequest(model="tiny", dataset="rows", suffix=suffix, metadata={"team": suffix or "none"}),
        owner="me",
        idempotency_key=None,
        fingerprint=job_id,
        is_retry=False,
        max_queued_jobs=10,
    )
    lay_out_adapter(server.data_dir / "jobs" / job_id / "adapter")
    server.store.finish(claim_next(server.store), "succeeded", message="Done", result={})
    return fine_tuned_model_id("tiny", suffix, job_id)


Said = pytest.CaptureFixture[str]


def test_a_file_is_meant_by_the_beginning_of_its_id(server: Server, tmp_path: Path, capsys: Said) -> None:
    file_id = uploaded(server, tmp_path)
    assert run("train", file_id[:10], "--detach", "--json") == 0, capsys.readouterr().err
    assert json.loads(capsys.readouterr().out)["request"]["training_file"] == file_id
    assert run("delete", "--yes", file_id[:12]) == 0
    assert capsys.readouterr().out == f"{file_id} is deleted\n"
    assert run("train", "file-nothere", "--detach") == 1
    told = capsys.readouterr().err
    assert "No uploaded file has an id that begins with 'file-nothere'." in told
    assert told.endswith("List the files: ./tunedock files\n")


def test_a_beginning_of_several_files_lists_them_with_their_names(
    server: Server, tmp_path: Path, capsys: Said
) -> None:
    ids = [uploaded(server, tmp_path, name) for name in ("one.jsonl", "two.jsonl")]
    assert run("delete", "--yes", "file-") == 2
    told = capsys.readouterr().err
    assert "2 files begin with 'file-':" in told
    assert all(f"  {file_id}: " in told for file_id in ids)
    assert "one.jsonl, " in told
    assert run("files", "--json") == 0
    assert len(json.loads(capsys.readouterr().out)) == 2


def test_a_fine_tuned_model_is_meant_by_the_beginning_of_its_name(server: Server, capsys: Said) -> None:
    spam, ham = trained(server, "spam"), trained(server, "ham")
    assert run("show", "ft:tiny:sp", "--json") == 0
    assert json.loads(capsys.readouterr().out)["request"]["suffix"] == "spam"
    assert run("delete", "--yes", ham[:-4]) == 0
    assert capsys.readouterr().out == f"{ham} is deleted\n"
    trained(server, "spam-2")
    assert run("evaluate", "--dataset", "x", "--adapter", "ft:tiny:sp") == 2
    told = capsys.readouterr().err
    assert "2 models begin with 'ft:tiny:sp':" in told
    assert f"  {spam}: made 2" in told
    assert run("evaluate", "--dataset", "x", "--model", "ft:nosuch") == 1
    assert "List the models: ./tunedock models" in capsys.readouterr().err


def test_a_job_s_name_of_several_is_told_with_kinds_and_statuses(server: Server, capsys: Said) -> None:
    for _ in range(2):
        server.store.cancel(submit(server.store).id)
    jobs = [submit(server.store).id for _ in range(10)]  # no more may wait
    assert run("cancel", "diag") == 2
    told = capsys.readouterr().err
    assert "12 jobs begin with 'diag':" in told
    assert f"  {jobs[-1]}: load_diagnostic, queued" in told
    assert "and 2 more" in told


@pytest.mark.parametrize(
    ("words", "environment", "says"),
    [
        (("--key", "td_not_the_key_of_this_installation"), {}, "The key was td_not… from --key."),
        ((), {"TUNEDOCK_API_KEY": "td_not_the_key_of_this_installation"},
         "The key was td_not… from TUNEDOCK_API_KEY."),
        (("--key", "secret"), {}, "The key was the one from --key."),
    ],
)  # fmt: skip
def test_a_key_that_is_refused_is_told_with_where_it_is_from(
    words: tuple[str, ...],
    environment: dict[str, str],
    says: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Said,
) -> None:
    for name, text in environment.items():
        monkeypatch.setenv(name, text)
    assert run("jobs", *words) == 1
    told = capsys.readouterr().err
    assert says in told
    assert "secret" not in told
    assert "not_the_key" not in told


def test_a_key_of_this_installation_is_told_by_its_file(
    server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: Said
) -> None:
    (tmp_path / "keys").write_text("td_not_the_key_of_this_installation\n")
    monkeypatch.delenv("TUNEDOCK_SERVER")
    monkeypatch.delenv("TUNEDOCK_API_KEY")
    monkeypatch.setenv("TUNEDOCK_API_PORT", str(server.port))
    monkeypatch.setenv("TUNEDOCK_API_KEYS_FILE", str(tmp_path / "keys"))
    assert run("jobs") == 1
    assert f"The key was td_not… from {tmp_path}/keys." in capsys.readouterr().err


def test_jobs_are_listed_by_what_they_were_submitted_with(server: Server, capsys: Said) -> None:
    wanted = trained(server, "spam").rpartition(":")[2]
    trained(server, "ham")
    assert run("jobs", "--metadata", "team=spam", "--json") == 0
    assert [record["id"] for record in json.loads(capsys.readouterr().out)] == [f"ftjob-{wanted}"]
    assert run("jobs", "--status", "queued") == 0
    assert capsys.readouterr().out == "no jobs\n"


@pytest.fixture
def hears_ctrl_c() -> Iterator[None]:
    """A shell that runs the tests in the background has told all its children to ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def interrupt_after(seconds: float) -> threading.Timer:
    timer = threading.Timer(seconds, lambda: os.kill(os.getpid(), signal.SIGINT))
    timer.start()
    return timer


@pytest.mark.usefixtures("hears_ctrl_c")
@pytest.mark.parametrize("form", [(), ("--json",)])
def test_a_watched_list_tells_each_change_where_there_is_no_terminal(
    server: Server, form: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: Said
) -> None:
    monkeypatch.setattr(job_list, "WATCH_SECONDS", 0.05)
    job = submit(server.store).id
    cancelling = threading.Timer(0.4, lambda: server.store.cancel(job))
    cancelling.start()
    interrupting = interrupt_after(1.0)
    assert run("jobs", "--watch", *form) == 130
    cancelling.join()
    interrupting.join()
    lines = capsys.readouterr().out.splitlines()
    if form:
        assert [json.loads(line)["status"] for line in lines] == ["queued", "cancelled"]
    else:
        assert [line.split("\t")[:3] for line in lines] == [
            [job, "load_diagnostic", "queued"], [job, "load_diagnostic", "cancelled"]
        ]  # fmt: skip


@pytest.mark.usefixtures("hears_ctrl_c")
def test_a_watched_list_is_drawn_in_place_on_a_narrow_terminal(server: Server, tmp_path: Path) -> None:
    job = submit(server.store).id
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 60, 0, 0))
    environment = {name: text for name, text in os.environ.items() if name not in ("COLUMNS", "LINES")}
    process = subprocess.Popen(
        [sys.executable, "-m", "services.cli", "jobs", "--watch"],
        env={**environment, "TERM": "xterm", "PYTHONPATH": str(Path(__file__).parents[2])},
        stdout=theirs,
        stderr=subprocess.DEVNULL,
    )
    os.close(theirs)
    drawn = b""
    while job.encode() not in drawn:
        drawn += os.read(ours, 4096)
    time.sleep(0.3)  # it has written the whole table then
    process.send_signal(signal.SIGINT)
    try:
        while piece := os.read(ours, 4096):
            drawn += piece
    except OSError:  # Linux: the other end is closed
        pass
    os.close(ours)
    assert process.wait(30) == 130
    plain = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", drawn.decode())
    assert [line for line in plain.replace("\r", "\n").splitlines() if len(line) > 60] == []
    assert f"{job}  queued" in plain


def test_two_steps_of_one_model_are_wrong_usage(server: Server, tmp_path: Path, capsys: Said) -> None:
    model = trained(server)
    assert run("download", f"{model}:ckpt-step-8", str(tmp_path / "x"), "--step", "9") == 2
    assert "says step 8, and --step says 9" in capsys.readouterr().err
    assert run("download", model, str(tmp_path / "x"), "--step", "9") == 1
    assert "keeps no checkpoint" in capsys.readouterr().err


ON_THIS_MACHINE = {
    "demo", "up", "down", "backup", "restore", "doctor", "key", "explain", "completion", "bench", "check",
    "test", "help",
}  # fmt: skip


def test_every_command_that_talks_to_a_service_takes_its_address_and_key() -> None:
    commands = command_parser().commands
    options = {
        name: {option for action in parser._actions for option in action.option_strings}
        for name, parser in commands.items()
    }
    without = {name for name in commands if not {"--server", "--key"} <= options[name]}
    assert without == ON_THIS_MACHINE
