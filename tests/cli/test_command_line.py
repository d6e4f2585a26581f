"""The command line without a server: usage, exit statuses, and what a wrong call says."""

import json
import re
from pathlib import Path

import pytest

from services.cli.__main__ import command_parser, main
from services.cli.ports import free_port
from services.cli.submit import preparation_request, training_request


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
        "pause job",
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
    ],
)
def test_a_command_that_finds_no_server_says_how_to_start_one(
    words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(words) == 1
    assert "./tunedock up" in capsys.readouterr().err


def test_a_failure_is_json_for_machines(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("jobs --json") == 1
    failure = json.loads(capsys.readouterr().out)["error"]
    assert failure["code"] == "server_unreachable"
    assert set(failure) == {"code", "message", "remedy", "errors"}


def test_options_that_no_server_takes_are_all_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("train --dataset rows --json --epochs 0 --lora-dropout 1") == 2
    errors = json.loads(capsys.readouterr().out)["error"]["errors"]
    assert [error["path"] for error in errors] == ["hyperparameters.n_epochs", "hyperparameters.lora.dropout"]


def test_a_setting_that_can_not_be_read_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TUNEDOCK_API_PORT", "http")
    assert run("jobs") == 2
    assert "TUNEDOCK_API_PORT" in capsys.readouterr().err


def test_stopping_nothing_is_no_failure(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("down --json") == 0
    assert json.loads(capsys.readouterr().out) == {"stopped": False}


def test_the_options_of_train_are_the_fields_of_the_request() -> None:
    words = (
        "train --dataset d --model m --format classification --column text=message --column label=kind "
        "--epochs 2 --batch-size 8 --learning-rate 1e-3 --lora-r 8 --lora-target-modules q_proj,v_proj "
        "--plan tokens_per_micro_batch=2048,gradient_checkpointing=true --suffix s --metadata a=b"
    )
    assert training_request(command_parser().parse_args(words.split())) == {
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


def test_the_options_of_prepare_are_the_fields_of_the_request() -> None:
    def request(words: str) -> dict[str, object]:
        return preparation_request(command_parser().parse_args(words.split()))

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
    words = re.findall(r"^    (\w+) ", capsys.readouterr().out, re.MULTILINE)
    assert words == [
        "demo", "up", "down", "train", "diagnose", "prepare", "jobs", "show", "report", "events", "cancel",
        "download", "delete", "prune", "doctor", "key", "bench", "check", "test",
    ]  # fmt: skip
