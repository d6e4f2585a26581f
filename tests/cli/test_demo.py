"""The demo from end to end, with a tiny model in the demo model's place."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from services.cli.demo_reports import Page, pages_text
from services.cli.stack_state import folder_is_owned
from shared.settings import DEMO_MODEL
from tests.stack import LiveStack, stack_environment
from tests.tiny_models import make_tiny_llama


def test_the_demo_succeeds_on_a_running_stack_and_leaves_it_running(stack: LiveStack, tmp_path: Path) -> None:
    make_tiny_llama(stack.models_dir / DEMO_MODEL)
    done = stack.command("demo", "--json", "demo.json", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert stack.state().ready
    document = json.loads((tmp_path / "demo.json").read_text())
    assert set(document) == {"ok", "jobs", "seconds", "adapter", "evaluation", "load", "reports"}
    assert document["ok"] is True
    assert [(job["kind"], job["status"]) for job in document["jobs"]] == [
        ("load_diagnostic", "succeeded"),
        ("model_preparation", "succeeded"),
        ("evaluation", "succeeded"),
        ("fine_tuning", "succeeded"),
        ("evaluation", "succeeded"),
    ]
    assert (Path(document["adapter"]) / "adapter_model.safetensors").is_file()
    assert set(document["evaluation"]) == {"before", "after"}
    assert document["evaluation"]["after"]["loss"] < document["evaluation"]["before"]["loss"]
    assert set(document["load"]) == {"before", "after", "limit"}
    assert document["load"]["before"] > 0
    assert document["load"]["after"] > 0
    assert {"diagnose", "prepare", "train", "total"} <= set(document["seconds"])
    assert set(document["reports"]) == {"load", "training"}
    pages = document["reports"]
    for name, job in (("load", document["jobs"][0]), ("training", document["jobs"][3])):
        assert job["id"] in Path(pages[name]).read_text(encoding="utf-8")
    for words in (
        "spam F1",
        pages["load"],
        pages["training"],
        "Where a training step goes",
        "PeftModel.from_pretrained",
        document["adapter"],
    ):
        assert words in done.stdout


def test_a_report_without_a_page_says_why_beside_the_one_that_has_one(tmp_path: Path) -> None:
    lines = pages_text([
        Page("load", path=tmp_path / "load.html"),
        Page("training", missing="The disk is full."),
    ])  # fmt: skip
    assert lines[-2].endswith(f" {tmp_path / 'load.html'}")
    assert lines[-1].endswith("There is no page: The disk is full.")


def hear_ctrl_c() -> None:
    """A shell that runs the tests in the background has told all its children to ignore it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_ctrl_c_cancels_the_demo_s_job_and_takes_its_stack_along(tmp_path: Path) -> None:
    make_tiny_llama(tmp_path / "models" / DEMO_MODEL, hidden_size=512, layers=8)
    process = subprocess.Popen(
        [sys.executable, "-m", "services.cli", "demo", "--json", str(tmp_path / "demo.json")],
        env=os.environ | stack_environment(tmp_path) | {"PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=hear_ctrl_c,
    )
    assert process.stderr is not None
    for line in process.stderr:
        if "The job is accepted and queued." in line:
            process.send_signal(signal.SIGINT)
            break
    _, rest = process.communicate(timeout=90)
    assert process.returncode == 130
    assert "cancelling the demo's job" in rest
    assert not folder_is_owned(tmp_path / "data")
    assert json.loads((tmp_path / "demo.json").read_text())["ok"] is False
