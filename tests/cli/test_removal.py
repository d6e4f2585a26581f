"""`delete` and `prune` against a real API: what is named goes, what is asked about waits for the answer."""

import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from services.cli.client import Client
from shared.jobs import new_job_id
from shared.model_names import fine_tuned_model_id
from shared.schemas.requests import FineTuningRequest
from tests.adapter_folders import lay_out_adapter
from tests.api.server import Server
from tests.cli.conftest import empty
from tests.ledger import claim_next, submit


@pytest.fixture(autouse=True)
def _empty(server: Server) -> None:
    empty(server)


def ended(server: Server, *, adapter: bool = False) -> str:
    job_id = submit(server.store).id
    folder = server.data_dir / "jobs" / job_id
    (folder / "adapter" if adapter else folder / "rows").mkdir(parents=True)
    (folder / "spec.json").write_text("{}")
    server.store.finish(claim_next(server.store), "succeeded", message="Done", result={})
    return job_id


def trained(server: Server) -> str:
    job_id = new_job_id("fine_tuning")
    server.store.submit(
        job_id,
        FineTuningRequest(model="tiny", dataset="rows"),
        owner="me",
        idempotency_key=None,
        fingerprint=job_id,
        is_retry=False,
        max_queued_jobs=10,
    )
    lay_out_adapter(server.data_dir / "jobs" / job_id / "adapter")
    server.store.finish(claim_next(server.store), "succeeded", message="Done", result={})
    return job_id


def command(server: Server, *words: str) -> "subprocess.CompletedProcess[str]":
    elsewhere = ("--server", server.url, "--key", server.key)
    return subprocess.run(
        [sys.executable, "-m", "services.cli", *words, *elsewhere], capture_output=True, text=True
    )


def at_a_terminal(server: Server, answer: str, *words: str) -> tuple[int, str]:
    """(exit status, what it wrote) of a command whose user types `answer`."""
    ours, theirs = pty.openpty()
    elsewhere = ("--server", server.url, "--key", server.key)
    process = subprocess.Popen(
        [sys.executable, "-m", "services.cli", *words, *elsewhere], stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    os.write(ours, f"{answer}\n".encode())
    written = b""
    try:
        while piece := os.read(ours, 4096):
            written += piece
    except OSError:  # Linux: the other end is closed
        pass
    return process.wait(30), written.decode()


def known(server: Server) -> set[str]:
    return {record.id for record in server.store.list_jobs(limit=100).records}


def test_jobs_are_deleted_by_the_beginning_of_their_ids(server: Server) -> None:
    gone, also_gone, kept = (ended(server) for _ in range(3))
    done = command(server, "delete", "--yes", gone[:20], also_gone)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{gone} is deleted\n{also_gone} is deleted\n"
    assert known(server) == {kept}


def test_what_may_not_go_is_told_and_the_rest_goes(server: Server) -> None:
    gone, waiting = ended(server), submit(server.store).id
    done = command(server, "delete", "--yes", "--json", waiting, gone)
    assert done.returncode == 1
    told = json.loads(done.stdout)
    assert told["deleted"] == [gone]
    assert [(job["id"], job["code"]) for job in told["refused"]] == [(waiting, "invalid_transition")]
    assert known(server) == {waiting}


@pytest.mark.parametrize("words", ["show", "events", "cancel", "report", "download", "delete --yes"])
def test_a_whole_id_that_is_unknown_is_told_with_the_way_to_those_there_are(
    server: Server, tmp_path: Path, words: str
) -> None:
    unknown = "ftjob-" + "a" * 24
    done = command(server, *words.split(), unknown, *([str(tmp_path / "x")] if words == "download" else []))
    assert done.returncode == 1
    assert f"There is no job {unknown}" in done.stderr
    assert done.stderr.rstrip().endswith("List the jobs: ./tunedock jobs")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("ftjob-" + "a" * 24, "jobs"), ("file-" + "a" * 24, "files"),
        (fine_tuned_model_id("tiny", None, "ftjob-" + "a" * 24), "models"),
    ],
)  # fmt: skip
def test_what_is_not_there_to_delete_is_told_with_the_list_of_its_kind(
    server: Server, name: str, kind: str
) -> None:
    done = command(server, "delete", "--yes", name)
    assert done.returncode == 1
    assert done.stderr.endswith(f"It may have been deleted already. List the {kind}: ./tunedock {kind}\n")


def test_nothing_goes_when_one_of_the_names_may_mean_several(server: Server) -> None:
    job_ids = {ended(server), ended(server)}
    done = command(server, "delete", next(iter(job_ids)), "diag")
    assert done.returncode == 2
    assert known(server) == job_ids


def test_a_model_s_id_deletes_the_model_and_keeps_the_job(server: Server) -> None:
    done = command(server, "delete", "--yes", fine_tuned_model_id("tiny", None, "ftjob-abc"))
    assert done.returncode == 1
    assert "There is no fine-tuned model" in done.stderr


def test_models_and_files_are_listed_with_the_ids_that_delete_takes(server: Server, tmp_path: Path) -> None:
    assert command(server, "files").stdout == "No files are uploaded.\n"
    job_id = trained(server)
    model = fine_tuned_model_id("tiny", None, job_id)
    models = command(server, "models").stdout
    assert models.startswith(f"ID\tFROM\tCREATED\n{model}\ta training here\t")
    assert "\nSmolLM2-135M-Instruct\tTunedock's packages\t-\n" in models
    (tmp_path / "rows.jsonl").write_text("{}\n")
    with Client(server.url, server.key) as client:
        file_id = client.upload(tmp_path / "rows.jsonl")
    listed = command(server, "files")
    assert re.fullmatch(rf"ID\tSIZE\tUPLOADED\tNAME\n{file_id}\t.+\trows.jsonl\n", listed.stdout)
    assert command(server, "delete", "--yes", model, file_id).returncode == 0
    assert model not in command(server, "models", "--json").stdout
    assert json.loads(command(server, "files", "--json").stdout) == []
    named = command(server, "evaluate", "--dataset", "x", "--adapter", model)
    assert f"The fine-tuned model {model} was deleted." in named.stderr
    assert job_id in known(server)


@pytest.mark.parametrize("words", [(), ("--json",)])
def test_without_a_terminal_nothing_goes_unless_yes_is_said(server: Server, words: tuple[str, ...]) -> None:
    job_id = ended(server, adapter=True)
    done = command(server, "delete", job_id[:8], *words)
    assert done.returncode == 2
    assert job_id in done.stderr
    assert "Nothing was deleted." in done.stderr
    assert "To delete these permanently, add --yes:" in done.stderr
    assert known(server) == {job_id}


@pytest.mark.parametrize(("answer", "goes"), [("yes", True), ("no", False), ("", False)])
def test_at_a_terminal_the_user_is_asked_first(server: Server, answer: str, goes: bool) -> None:
    job_id = ended(server)
    status, written = at_a_terminal(server, answer, "delete", job_id)
    assert (status == 0, known(server) == set()) == (goes, goes)
    assert "Delete th" in written
    job_id = ended(server)
    status, written = at_a_terminal(server, answer, "prune", "--keep-jobs", "0")
    assert (status == 0, job_id not in known(server)) == (goes, goes)


def test_prune_shows_first_and_deletes_when_told(server: Server) -> None:
    old, young = ended(server), ended(server)
    trained = ended(server, adapter=True)
    shown = command(server, "prune", "--dry-run", "--keep-jobs", "1")
    assert shown.returncode == 0
    assert f"{old}\tsucceeded\t" in shown.stdout
    assert "1 job is newer, and 1 is kept." in shown.stdout
    assert "1 job would be deleted" in shown.stdout
    unasked = command(server, "prune", "--keep-jobs", "1")
    assert unasked.returncode == 2
    assert known(server) == {old, young, trained}
    done = command(server, "prune", "--keep-jobs", "1", "--yes", "--json")
    assert [job["id"] for job in json.loads(done.stdout)["data"]] == [old]
    assert known(server) == {young, trained}
    everything = command(server, "prune", "--keep-jobs", "0", "--adapters", "--yes")
    assert "2 jobs are deleted" in everything.stdout
    assert known(server) == set()
    assert "no job to delete" in command(server, "prune", "--keep-jobs", "0").stdout


@pytest.mark.parametrize("wrong", [("--keep-jobs", "-1"), ("--keep-days", "nan"), ("--keep-bytes", "1e9")])
def test_limits_that_are_no_numbers_are_refused(server: Server, wrong: tuple[str, str]) -> None:
    done = command(server, "prune", "--dry-run", *wrong)
    assert done.returncode == 2
    assert re.search("must be a (whole )?number, 0 or more", done.stderr)


@pytest.mark.parametrize("words", [("train",), ("evaluate",)])
def test_rows_that_are_refused_leave_no_upload(server: Server, tmp_path: Path, words: tuple[str]) -> None:
    bad = tmp_path / "bad.jsonl"
    bad.write_text('{"text": "a", "label": "spam"}\n{"text": "b"}\n')
    done = command(server, *words, str(bad), "--model", "tiny", "--format", "classification")
    assert done.returncode == 1
    assert "Line 2" in done.stderr
    assert list((server.data_dir / "files").iterdir()) == []
    assert list((server.data_dir / "jobs").glob("*/rows/*")) == []
