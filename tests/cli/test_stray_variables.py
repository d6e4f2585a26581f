"""A misspelt setting is told, and those that are known are not."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from services.cli.stray_variables import stray_variables
from shared.messages.render import in_english
from shared.settings import PROJECT_ROOT, Settings


def told(*names: str) -> list[str]:
    return [in_english(message) for message in stray_variables(dict.fromkeys(names, "x"))]


def test_a_misspelt_setting_is_told_with_the_one_that_was_meant() -> None:
    assert told("TUNEDOCK_API_PROT", "PATH") == [
        "The variable TUNEDOCK_API_PROT is set and has no effect: Tunedock has no such setting. "
        "Did you mean TUNEDOCK_API_PORT? docs/settings.md lists the settings."
    ]
    (far,) = told("TUNEDOCK_WINDOWS")
    assert "Did you mean" not in far
    assert far.endswith("docs/settings.md lists the settings.")


@pytest.mark.parametrize("spelling", [str.upper, str.lower])  # pydantic takes both
def test_no_setting_is_told(spelling: type[str]) -> None:
    names = [spelling(name) for name, _, _ in Settings.settings_table()]
    assert told(*names, "TUNEDOCK_HF_CACHE", "TUNEDOCK_PYTHON", "TUNEDOCK_TORCH_INDEX") == []


def test_every_command_tells_it_once_and_goes_on(tmp_path: Path) -> None:
    environment = {**os.environ, "TUNEDOCK_DATA_DIRR": "/x", "TUNEDOCK_DATA_DIR": str(tmp_path)}
    command = [sys.executable, "-m", "services.cli", "key"]
    run = subprocess.run(command, cwd=PROJECT_ROOT, env=environment, capture_output=True, text=True)
    assert run.stderr.count("Did you mean TUNEDOCK_DATA_DIR?") == 1
    assert "TUNEDOCK_DATA_DIRR" not in run.stdout
