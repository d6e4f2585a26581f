"""The command line without a server: usage, exit statuses, and what a wrong call says."""

import json
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from services.cli.__main__ import command_parser, main
from services.cli.ports import free_port
from shared.settings import PROJECT_ROOT, Settings


@pytest.fixture(autouse=True)
def _nothing_runs_here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TUNEDOCK_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("TUNEDOCK_API_PORT", str(free_port()))


def run(words: str) -> int:
    try:
        return main(words.split())
    except SystemExit as end:
        return int(end.code or 0)


@pytest.mark.parametrize(
    "words",
    [
        "",
        "freeze job",
        "jbos",
        "jobs --limit 0",
        "jobs --limit 3 --all",
        "jobs --sttaus queued",
        "jobs extra",
        "evaluate",
        "evaluate --dataset rows --compare",
        "evaluate --dataset rows --adapter x --compare --detach",
        "evaluate --dataset rows --max-seq-length 1",
        "train --dataset rows rows.jsonl",
        "train --dataset rows --column txt=message",
        "help jbos",
        "report x --html - --json",
        "jobs --server ftp://x",
        "doctor now",
        "jobs --limit many",
        "jobs --status lost",
        "show",
        "report",
        "report x --html",
        "train",
        "train no-such-file.jsonl",
        "train --dataset rows --epochs 0",
        "train --dataset rows --lora-r 513",
        "train --dataset rows --column text",
        "train --dataset rows --plan fastest",
        "train --dataset rows --validation-file missing.jsonl",
        "diagnose",
    ],
)
def test_wrong_usage_ends_with_2(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(words) == 2
    assert capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [
        "jobs",
        "show x",
        "report x",
        "report x --html y",
        "events x",
        "cancel x",
        "download x dir",
        "train --dataset rows",
        "diagnose m",
        "evaluate --dataset rows",
    ],
)
def test_a_command_that_finds_no_server_says_how_to_start_one(
    words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(words) == 1
    assert "./tunedock up" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("shell", "status", "says"),
    [
        ("help >&-", 0, ""),
        ("help 2>&- >&-", 0, ""),
        ("help >/dev/full", 1, "No space left on device"),
        ("help train >/dev/full", 1, "No space left on device"),
        ("nosuch >&-", 2, "there is no command"),
    ],
)
def test_an_output_that_takes_nothing_is_no_traceback(shell: str, status: int, says: str) -> None:
    command = f"{shlex.quote(sys.executable)} -m services.cli {shell}"
    done = subprocess.run(["sh", "-c", command], cwd=PROJECT_ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == status, done.stderr
    assert says.lower() in done.stderr.lower()
    assert "Traceback" not in done.stderr


def test_a_failure_is_json_for_machines(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("jobs --json") == 1
    failure = json.loads(capsys.readouterr().out)["error"]
    assert failure["code"] == "server_unreachable"
    assert set(failure) == {"code", "message", "remedy", "errors"}


def test_options_that_no_server_takes_are_all_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("train --dataset rows --json --epochs 0 --lora-dropout 1") == 2
    errors = json.loads(capsys.readouterr().out)["error"]["errors"]
    assert errors == [
        {"path": "--epochs", "message": "--epochs must be at least 1. It is 0."},
        {"path": "--lora-dropout", "message": "--lora-dropout must be less than 1. It is 1.0."},
    ]


def test_a_setting_that_can_not_be_read_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TUNEDOCK_API_PORT", "http")
    assert run("jobs") == 2
    assert "TUNEDOCK_API_PORT" in capsys.readouterr().err


def test_stopping_nothing_is_no_failure(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("down --json") == 0
    assert json.loads(capsys.readouterr().out) == {"stopped": False}


def request(words: str) -> dict[str, object]:
    """What a command would send."""
    arguments = command_parser().parse_args(words.split())
    return dict(arguments.options.request(arguments))


def test_the_options_of_evaluate_are_the_fields_of_the_request() -> None:
    assert request("evaluate file-1 --adapter ft:m:s:1 --max-seq-length 64 --column text=m") == {
        "kind": "evaluation",
        "file": "file-1",
        "adapter": "ft:m:s:1",
        "columns": {"text": "m"},
        "max_seq_length": 64,
    }


def test_the_options_of_diagnose_are_the_fields_of_the_request() -> None:
    assert request("diagnose m --cold --no-trial-load") == {
        "kind": "load_diagnostic",
        "model": "m",
        "cold": True,
        "trial_load": False,
    }


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("jbos", "There is no command 'jbos'. Did you mean jobs?"),
        ("status x", "Did you mean show?"),
        ("rm x", "Did you mean delete?"),
        ("jobs --limt 3", "Did you mean --limit?"),
        ("jobs --status suceeded", "--status: There is no 'suceeded'. Did you mean succeeded? There are: "),
        ("train --dataset x --plan basline", "Did you mean baseline?"),
        ("train --dataset x --column lable=y", "Did you mean label?"),
        ("completion bsh", "shell: There is no 'bsh'. Did you mean bash?"),
        ("help trian", "There is no command 'trian'. Did you mean train?"),
        ("stop", "Did you mean down (the service) or cancel (a job)?"),
        ("train --dataset x --lr 2", "There is no option --lr. Did you mean --learning-rate?"),
        ("train --dataset x --rank 2", "There is no option --rank. Did you mean --lora-r?"),
        ("--port", "There is no option --port."),
        ("--port 80 up", "There is no option --port."),
        ("-v", "There is no option -v. Did you mean --version?"),
        ("--json jobs", "--json is an option of the commands. Write it after the command."),
        ("train --dataset x --max-steps many", "--max-steps: This must be a whole number, not 'many'."),
        ("train --dataset x --learning-rate fast", "--learning-rate: This must be a number, not 'fast'."),
        # What argparse says itself.
        ("", "usage: ./tunedock"),
        ("show", "./tunedock show: ID is missing."),
        ("download", "./tunedock download: ID and DIR are missing."),
        ("delete", "./tunedock delete: ID is missing."),
        ("report x --html", "./tunedock report: --html: A value must follow it."),
        ("jobs --limit 3 --all", "--all: It can't be given together with --limit."),
        ("jobs --all=3", "--all: It takes no value, but '3' was given."),
        ("train --dataset x --l 3", "--l could be any of several options: --learning-rate"),
    ],
)
def test_a_wrong_word_is_told_with_what_was_meant(
    words: str, meant: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(words) == 2
    assert meant in capsys.readouterr().err


def test_a_file_that_is_not_there_is_told_with_one_that_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "rows.jsonl").write_text("{}")
    assert run(f"train {tmp_path}/rwos.jsonl") == 2
    assert f"Did you mean {tmp_path}/rows.jsonl?" in capsys.readouterr().err


def test_a_file_that_only_shares_folder_and_ending_is_not_suggested(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "http-openapi.json").write_text("{}")
    assert run(f"train {tmp_path}/nofile.jsonl") == 2
    assert f"{tmp_path}/nofile.jsonl does not exist." in capsys.readouterr().err


def test_a_file_that_holds_no_rows_is_not_suggested(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "nofile.gpu").write_text("{}")
    assert run(f"train {tmp_path}/nofile.jsonl") == 2
    assert f"{tmp_path}/nofile.jsonl does not exist." in capsys.readouterr().err


def test_every_option_and_argument_is_explained() -> None:
    commands = command_parser().commands
    unsaid = [
        f"{name} {action.option_strings or action.dest}"
        for name, command in commands.items()
        for action in command._actions
        if not action.help
    ]
    assert unsaid == []


@pytest.mark.parametrize("command", ["train", "evaluate"])
def test_help_names_the_model_that_is_taken_by_default(command: str) -> None:
    default = str(Settings.model_fields["default_model"].default)
    assert default in "".join(command_parser().commands[command].format_help().split())


def test_wrong_usage_is_json_for_machines_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("jobs --limt 3 --json") == 2
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "usage"


def test_help_says_what_one_command_takes(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("help evaluate") == 0
    said = capsys.readouterr().out
    assert "--compare" in said
    assert "--server" in said
    assert run("help --json") == 0
    assert "evaluate" in json.loads(capsys.readouterr().out)["commands"]


def test_the_version_is_the_project_s(capsys: pytest.CaptureFixture[str]) -> None:
    project = tomllib.loads((PROJECT_ROOT / "pyproject.toml").read_text())["project"]
    assert run("--version") == 0
    assert capsys.readouterr().out.startswith(f"Tunedock {project['version']} ")


def test_the_options_of_train_are_the_fields_of_the_request() -> None:
    words = (
        "train --dataset d --model m --format classification --column text=message --column label=kind "
        "--epochs 2 --batch-size 8 --learning-rate 1e-3 --lora-r 8 --lora-target-modules q_proj,v_proj "
        "--plan tokens_per_micro_batch=2048,gradient_checkpointing=true --suffix s --metadata a=b"
    )
    assert request(words) == {
        "kind": "fine_tuning",
        "dataset": "d",
        "model": "m",
        "format": "classification",
        "columns": {"text": "message", "label": "kind"},
        "hyperparameters": {
            "n_epochs": 2,
            "global_batch_size": 8,
            "learning_rate": 0.001,
            "lora": {"r": 8, "target_modules": ["q_proj", "v_proj"]},
        },
        "plan": {"tokens_per_micro_batch": "2048", "gradient_checkpointing": "true"},
        "suffix": "s",
        "metadata": {"a": "b"},
    }


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("train --dataset d", "fine_tuning"),
        ("evaluate --dataset d", "evaluation"),
        ("prepare m", "model_preparation"),
        ("check-data --dataset d", "dataset_report"),
        ("diagnose m", "load_diagnostic"),
    ],
)
def test_every_command_that_submits_a_job_has_its_order(words: str, kind: str) -> None:
    asked = request(f"{words} --priority -5 --after ftjob-a,last --webhook https://a.example/")
    assert (asked["kind"], asked["priority"], asked["after"]) == (kind, -5, ["ftjob-a", "last"])
    assert asked["webhook"] == "https://a.example/"


def test_the_options_of_prepare_are_the_fields_of_the_request() -> None:
    assert request("prepare m") == {"kind": "model_preparation", "model": "m"}
    assert request("prepare m --revision r --move-cache-to ssd --warm-page-cache") == {
        "kind": "model_preparation",
        "model": "m",
        "revision": "r",
        "move_cache_to": "ssd",
        "warm_page_cache": True,
    }


def test_every_command_is_in_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--help") == 0
    words = re.findall(r"^    ([\w-]+) ", capsys.readouterr().out, re.MULTILINE)
    assert words == [
        "demo", "up", "down", "train", "prepare", "check-data", "diagnose", "evaluate", "jobs", "show",
        "report", "events", "cancel", "download", "pause", "resume", "move", "models", "files", "webhooks",
        "delete", "prune", "backup", "restore", "doctor", "key", "explain", "completion", "bench", "check",
        "test", "help",
    ]  # fmt: skip
