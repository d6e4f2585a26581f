"""Every command against the real service with a tiny model."""

import fcntl
import json
import os
import pty
import re
import shlex
import struct
import subprocess
import sys
import termios
import threading
from collections.abc import Mapping
from pathlib import Path

import pytest

from services.cli.failure import RequestRefused
from services.cli.terminal import Terminal
from services.cli.watch import watch
from tests.stack import TINY_MODEL, LiveStack, wait_until

TRAIN = ("train", "rows.jsonl", "--model", TINY_MODEL, "--batch-size", "4", "--max-seq-length", "64")


@pytest.fixture(scope="module", autouse=True)
def _rows(stack: LiveStack) -> None:
    rows = [{"text": f"win prize {number}", "label": "spam" if number % 2 else "ham"} for number in range(40)]
    (stack.folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


@pytest.fixture(scope="module")
def finished_job(stack: LiveStack) -> str:
    done = stack.command(*TRAIN, "--max-steps", "3", "--json", "--metadata", "purpose=test")
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout)
    assert record["status"] == "succeeded"
    return str(record["id"])


def test_a_watched_job_tells_its_life_in_plain_lines(stack: LiveStack) -> None:
    done = stack.command(*TRAIN, "--max-steps", "2")
    assert done.returncode == 0, done.stderr
    assert "The job is accepted and queued." in done.stderr
    assert "The job succeeded." in done.stderr
    assert "\x1b" not in done.stderr + done.stdout
    assert done.stdout.startswith(f"{TINY_MODEL} was fine-tuned on 40 rows.\n")
    assert re.search(r"loss +\d\.\d{4} → \d\.\d{4}, in the first and the last of 2 steps", done.stdout)
    assert '{"' not in done.stdout
    (adapter,) = re.findall(r"adapter +(/\S+)", done.stdout)
    assert (Path(adapter) / "adapter_config.json").is_file()


def test_rows_are_shown_as_the_model_reads_them(stack: LiveStack) -> None:
    done = stack.command("check-data", "rows.jsonl", "--model", TINY_MODEL, "--max-seq-length", "64")
    assert done.returncode == 0, done.stderr
    assert "40 rows can be used" in done.stdout
    assert f"Rows as {TINY_MODEL} reads them, at most 64 tokens each" in done.stdout
    assert re.search(r"win prize \d+.*?⟦(ham|spam)<\|im_end\|>⟧", done.stdout, re.DOTALL)
    shown = stack.command("show", "last")
    assert shown.stdout.rstrip().splitlines()[-1].strip().startswith("./tunedock report datajob-")


def test_the_commands_that_training_ends_with_can_be_pasted(stack: LiveStack) -> None:
    done = stack.command(*TRAIN, "--max-steps", "2", "--validation-file", "rows.jsonl")
    commands = [shlex.split(line)[1:] for line in done.stdout.splitlines() if "./tunedock" in line]
    assert [command[0] for command in commands] == ["evaluate", "download", "report"]
    evaluated = stack.command(*commands[0])
    assert evaluated.returncode == 0, evaluated.stderr
    assert re.search(r"loss +\d+\.\d{4} +\d+\.\d{4} +[+-]\d\.\d{4}", evaluated.stdout)
    assert "answered →" in evaluated.stdout
    downloaded = stack.command(*commands[1])
    assert downloaded.returncode == 0, downloaded.stderr
    assert (stack.folder / commands[1][-1] / "adapter_config.json").is_file()
    reported = stack.command(*commands[2])
    assert reported.returncode == 0, reported.stderr
    assert (stack.folder / commands[2][-1]).read_text().startswith("<!doctype html>")


@pytest.mark.parametrize("words", [("train", "--max-steps", "2"), ("evaluate",)])
def test_the_model_that_is_taken_unnamed_is_said(stack: LiveStack, words: tuple[str, ...]) -> None:
    done = stack.command(*words, "rows.jsonl", "--max-seq-length", "64")
    assert done.returncode == 0, done.stderr
    assert f"No --model was given, so the server's default model is used: {TINY_MODEL}." in done.stderr


def test_a_model_that_is_almost_right_is_suggested(stack: LiveStack) -> None:
    done = stack.command("train", "rows.jsonl", "--model", "tiny-lama")
    assert done.returncode == 1
    assert f"Did you mean {TINY_MODEL}?" in done.stderr


def test_a_job_s_failure_speaks_of_options(stack: LiveStack) -> None:
    done = stack.command(*TRAIN, "--lora-target-modules", "nope")
    assert done.returncode == 1
    assert "Choose --lora-target-modules from" in done.stdout
    assert "Choose --lora-target-modules from" in stack.command("show", "last").stdout


def test_the_newest_adapter_is_evaluated_with_json(stack: LiveStack, finished_job: str) -> None:
    done = stack.command("evaluate", "rows.jsonl", "--adapter", finished_job[:16], "--json")
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout)
    assert record["request"]["adapter"].endswith(finished_job.removeprefix("ftjob-"))
    assert record["result"]["rows"] == 40
    wrong = stack.command("evaluate", "rows.jsonl", "--adapter", record["id"])
    assert wrong.returncode == 1
    assert "has made no adapter" in wrong.stderr


def test_a_comparison_tells_once_what_is_said_of_its_rows(stack: LiveStack, finished_job: str) -> None:
    row = json.dumps({"text": "win prize", "label": "spam"}) + "\n"
    (stack.folder / "twice.jsonl").write_text(2 * row + row.replace("spam", "ham").replace("win", "no"))
    done = stack.command("evaluate", "twice.jsonl", "--adapter", finished_job, "--compare")
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("1 row repeats an earlier row word for word and is counted again") == 1


def test_on_a_terminal_there_is_a_bar_and_stdout_stays_json(stack: LiveStack) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "services.cli", *TRAIN, "--max-steps", "100000", "--json"],
        cwd=stack.folder,
        env=os.environ | stack.environment | {"TERM": "xterm"},
        stdout=subprocess.PIPE,
        stderr=theirs,
    )
    os.close(theirs)
    drawn: list[bytes] = []
    reader = threading.Thread(target=_read_all, args=(ours, drawn))
    reader.start()
    # However quick the steps are, the job is still running when the bar is next drawn.
    wait_until(lambda: b"step " in b"".join(drawn))
    (running,) = stack.client.jobs(kind=None, status="running", limit=2)
    assert stack.command("cancel", running.id).returncode == 0
    stdout, _ = process.communicate(timeout=60)
    reader.join()
    assert json.loads(stdout)["status"] == "cancelled"
    assert b"\x1b[" in b"".join(drawn)


def test_a_job_is_listed_shown_and_its_events_printed(stack: LiveStack, finished_job: str) -> None:
    listed = json.loads(stack.command("jobs", "--kind", "fine_tuning", "--json").stdout)
    assert finished_job in [record["id"] for record in listed]
    assert finished_job in stack.command("jobs").stdout
    shown = stack.command("show", finished_job).stdout
    assert "succeeded" in shown
    assert re.search(r"metadata.purpose +test\n", shown)
    assert "was fine-tuned on 40 rows" in shown
    report = stack.command("report", finished_job).stdout
    assert report.startswith(f"{TINY_MODEL} was fine-tuned on 40 rows")
    assert f"How {TINY_MODEL} trains, " in report
    told = json.loads(stack.command("report", finished_job, "--json").stdout)
    assert told["train_loss"] == told["facts"]["points"][-1]["loss"]
    assert told["facts"]["stages"].keys() >= {"model_load", "data_load", "tokenizing", "lora", "training"}
    events = [
        json.loads(line) for line in stack.command("events", finished_job, "-f", "--json").stdout.splitlines()
    ]
    assert events[0]["message"] == "The job is accepted and queued."
    assert events[-1]["message"] == "The job succeeded."
    assert len({event["id"] for event in events}) == len(events)


def _without_size(environment: Mapping[str, str]) -> dict[str, str]:
    """The terminal says how wide it is, whatever the tests run in."""
    return {name: value for name, value in environment.items() if name not in ("COLUMNS", "LINES")}


def test_ids_are_whole_on_a_narrow_terminal(stack: LiveStack, finished_job: str) -> None:
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 60, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-m", "services.cli", "jobs", "--all"],
        cwd=stack.folder,
        env={**_without_size(os.environ), **stack.environment, "TERM": "xterm"},
        stdout=theirs,
    )
    os.close(theirs)
    drawn: list[bytes] = []
    _read_all(ours, drawn)
    assert process.wait() == 0
    lines = b"".join(drawn).decode().splitlines()
    assert lines[0].split() == ["ID", "STATUS", "PROGRESS"]
    assert [finished_job, "succeeded"] in [line.split()[:2] for line in lines]
    assert all(len(line) <= 60 for line in lines)


def test_a_key_of_another_service_is_told_with_the_option(stack: LiveStack) -> None:
    done = stack.command("jobs", "--key", "td_not_the_key_of_this_installation")
    assert done.returncode == 1
    assert "--key or TUNEDOCK_API_KEY" in done.stderr


def test_a_diagnosis_is_printed_and_written_as_a_page(stack: LiveStack, finished_job: str) -> None:
    diagnosed = stack.command("diagnose", TINY_MODEL)
    assert diagnosed.returncode == 0, diagnosed.stderr
    (job_id,) = re.findall(
        r"^    ./tunedock report (\S+) --html report.html$", diagnosed.stdout, re.MULTILINE
    )
    printed = stack.command("report", job_id)
    assert printed.stdout.startswith(f"How {TINY_MODEL} loads, ")
    assert json.loads(stack.command("report", job_id, "--json").stdout)["model"] == TINY_MODEL
    written = stack.command("report", job_id, "--html", "page.html", "--json")
    page = (stack.folder / "page.html").read_bytes()
    assert json.loads(written.stdout) == {"file": "page.html", "bytes": len(page)}
    assert page.startswith(b"<!doctype html>")
    assert b"Where the seconds go" in page
    to_stdout = stack.command("report", job_id, "--html", "-")
    assert to_stdout.stdout.encode() == page
    nowhere = stack.command("report", job_id, "--html", "no-such-folder/page.html")
    assert nowhere.returncode == 1
    assert "no-such-folder/page.html" in nowhere.stderr
    trained = stack.command("report", finished_job, "--html", "trained.html")
    assert trained.returncode == 0, trained.stderr
    assert (stack.folder / "trained.html").read_bytes().startswith(b"<!doctype html>")
    evaluated = stack.command("evaluate", "rows.jsonl", "--adapter", finished_job, "--json")
    other = stack.command("report", json.loads(evaluated.stdout)["id"], "--html", "other.html")
    assert other.returncode == 1
    assert not (stack.folder / "other.html").exists()


def test_an_adapter_is_downloaded_into_a_new_folder_only(stack: LiveStack, finished_job: str) -> None:
    done = stack.command("download", finished_job, "mine/adapter")
    assert done.returncode == 0, done.stderr
    original = stack.data_dir / "jobs" / finished_job / "adapter"
    copy = stack.folder / "mine" / "adapter"
    assert {path.name: path.read_bytes() for path in copy.iterdir()} == {
        path.name: path.read_bytes() for path in original.iterdir()
    }
    again = stack.command("download", finished_job, "mine/adapter")
    assert again.returncode == 1
    assert "not an empty folder" in again.stderr


def test_rows_that_can_not_be_used_are_told_by_line(stack: LiveStack) -> None:
    rows = [{"text": "a", "label": "spam"}, {"text": "b"}, {"text": "c", "label": "ham"}]
    (stack.folder / "bad.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    done = stack.command("train", "bad.jsonl", "--format", "classification")
    assert done.returncode == 1
    assert "Line 2" in done.stderr


def test_cancelling_an_ended_job_and_asking_for_an_unknown_one_fail(
    stack: LiveStack, finished_job: str
) -> None:
    refused = stack.command("cancel", finished_job, "--json")
    assert refused.returncode == 1
    assert json.loads(refused.stdout)["error"]["code"] == "invalid_transition"
    unknown = stack.command("show", "ftjob-nothere")
    assert unknown.returncode == 1
    assert "ftjob-nothere" in unknown.stderr


@pytest.mark.parametrize("more", [[], ["--dry-run"]])
def test_a_failure_is_told_once_and_a_report_of_it_says_what_to_do(stack: LiveStack, more: list[str]) -> None:
    done = stack.command(*TRAIN[:-1], "8", *more)
    assert done.returncode == 1
    assert (done.stderr + done.stdout).count("None of the 40 rows") == 1
    report = stack.command("report", "last")
    error = json.loads(stack.command("show", "last", "--json").stdout)["error"]
    told = " ".join(report.stdout.split())  # a failed run has a report, too
    remedy = error["remedy"].replace("`max_seq_length`", "max_seq_length")
    assert "max_seq_length" in remedy
    assert told.count(remedy.replace("max_seq_length", "--max-seq-length")) == 1
    assert told.count("None of the 40 rows") == 1


def test_the_details_of_the_plan_are_told_to_who_asks(stack: LiveStack, finished_job: str) -> None:
    brief = stack.command("events", finished_job).stdout
    (plan,) = [line for line in brief.splitlines() if "The plan auto is used" in line]
    assert plan.count(". ") <= 1
    assert "Rows are not padded" not in brief
    assert "\n  Rows are not padded" in stack.command("events", finished_job, "--verbose").stdout


def test_a_detached_job_can_be_cancelled(stack: LiveStack) -> None:
    started = stack.command(*TRAIN, "--max-steps", "100000", "--detach")
    assert started.returncode == 0, started.stderr
    job_id = started.stdout.strip()
    assert stack.command("cancel", job_id).returncode == 0
    assert stack.until_ended(job_id).status == "cancelled"


def test_watching_survives_a_restart_of_the_api(stack: LiveStack, capsys: pytest.CaptureFixture[str]) -> None:
    job_id = stack.command(*TRAIN, "--max-steps", "100000", "--detach").stdout.strip()
    wait_until(lambda: stack.client.job(job_id).status == "running")
    stack.kill("api")

    def cancelled() -> bool:
        return stack.command("cancel", job_id).returncode == 0  # once the API is back

    cancel = threading.Timer(1.0, lambda: wait_until(cancelled))
    cancel.start()
    record = watch(stack.client, job_id, Terminal(), poll_seconds=0.1)
    cancel.join()
    assert record.status == "cancelled"
    assert "trying again" in capsys.readouterr().err


def test_a_job_is_named_by_a_beginning_of_its_id(stack: LiveStack, finished_job: str) -> None:
    for part in (finished_job[:14], finished_job.removeprefix("ftjob-")[:12]):
        assert json.loads(stack.command("show", part, "--json").stdout)["id"] == finished_job
    several = stack.command("show", "f")
    assert several.returncode in (0, 2)  # one job or several begin so
    record = json.loads(stack.command("show", finished_job, "--json").stdout)
    done = stack.command("download", record["result"]["fine_tuned_model"], "by-model")
    assert done.returncode == 0, done.stderr
    assert (stack.folder / "by-model" / "adapter_config.json").is_file()


def test_a_service_elsewhere_is_reached_with_its_address_and_its_key(
    stack: LiveStack, tmp_path: Path, finished_job: str
) -> None:
    def here(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        own = {"PYTHONPATH": stack.environment["PYTHONPATH"], "TUNEDOCK_DATA_DIR": str(tmp_path / "empty")}
        environment = {name: text for name, text in os.environ.items() if not name.startswith("TUNEDOCK_")}
        command = [sys.executable, "-m", "services.cli", *words]
        return subprocess.run(command, env=environment | own | variables, capture_output=True, text=True)

    by_option = here("show", finished_job, "--json", "--server", f"{stack.url}/v1", "--key", stack.key)
    assert json.loads(by_option.stdout)["id"] == finished_job
    by_variable = here("jobs", TUNEDOCK_SERVER=stack.url, TUNEDOCK_API_KEY=stack.key)
    assert finished_job in by_variable.stdout
    without = here("jobs", "--server", stack.url)
    assert without.returncode == 1
    assert "TUNEDOCK_API_KEY" in without.stderr


def test_a_host_that_is_named_is_not_silently_the_local_one(stack: LiveStack) -> None:
    environment = os.environ | stack.environment | {"TUNEDOCK_API_HOST": "127.0.0.2"}
    words = [sys.executable, "-m", "services.cli", "jobs"]
    done = subprocess.run(words, env=environment, capture_output=True, text=True)
    assert done.returncode == 1
    assert "No Tunedock answers at http://127.0.0.2:" in done.stderr
    assert stack.url in done.stderr


def test_a_wrong_key_is_refused_and_a_missing_one_named(stack: LiveStack, tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("td_not_the_key_of_this_installation\n")
    environment = {"TUNEDOCK_API_KEYS_FILE": str(tmp_path / "keys")}
    words = [sys.executable, "-m", "services.cli", "jobs", "--json"]
    wrong = subprocess.run(
        words, env=os.environ | stack.environment | environment, capture_output=True, text=True
    )
    assert json.loads(wrong.stdout)["error"]["code"] == "invalid_api_key"
    (tmp_path / "keys").unlink()
    missing = subprocess.run(
        words, env=os.environ | stack.environment | environment, capture_output=True, text=True
    )
    assert missing.returncode == 1
    assert "TUNEDOCK_API_KEYS_FILE" in missing.stderr


def test_the_key_stands_in_no_log(stack: LiveStack, finished_job: str) -> None:
    for log in (stack.data_dir / "logs").iterdir():
        assert stack.key not in log.read_text(encoding="utf-8")


def test_all_in_the_data_folder_is_its_owners_alone(stack: LiveStack, finished_job: str) -> None:
    kept = [stack.data_dir, *stack.data_dir.rglob("*")]
    assert {"store", "worker", "logs", finished_job, "adapter"} <= {path.name for path in kept}
    assert [path for path in kept if not path.is_symlink() and path.stat().st_mode & 0o077] == []


def test_a_second_stack_on_the_folder_is_refused(stack: LiveStack) -> None:
    second = stack.command("up")
    assert second.returncode == 1
    assert "./tunedock down" in second.stderr


def test_a_refusal_carries_status_and_code(stack: LiveStack) -> None:
    with pytest.raises(RequestRefused) as caught:
        stack.client.submit({"kind": "fine_tuning", "dataset": "no-such-rows"})
    assert caught.value.status == 422


def _read_all(descriptor: int, pieces: list[bytes]) -> None:
    while True:
        try:
            piece = os.read(descriptor, 65536)
        except OSError:  # how a terminal says that its other end is closed
            break
        if not piece:
            break
        pieces.append(piece)
    os.close(descriptor)
