"""The dashboards against Grafana's own types, from its npm package; no Grafana is here to try them in."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.monitoring.dashboards import DASHBOARDS, ROOT, dashboards

SCHEMA = ROOT / "services" / "grafana" / "schema"
pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def checker(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with Grafana's types.

    Skipped where npm is missing, in CI too: npm serves nothing but this, and the other tests hold everything
    that a wrong dashboard would show to a user.
    """
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is missing on this machine")
    folder = tmp_path_factory.mktemp("grafana-types")
    for name in ("package.json", "check.mjs"):
        shutil.copy(SCHEMA / name, folder)
    quiet = ["--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]
    installed = _run([npm, "install", *quiet], folder)
    if installed.returncode != 0 and os.environ.get("CI", "").lower() in ("", "0", "false"):
        pytest.skip(f"npm can't install Grafana's types here: {installed.stdout.strip()[-200:]}")
    assert installed.returncode == 0, installed.stdout
    return folder


def test_the_dashboards_are_what_grafana_s_types_say(checker: Path) -> None:
    checked = _check(checker, DASHBOARDS)
    assert checked.returncode == 0, checked.stdout
    assert f"{len(dashboards())} dashboards" in checked.stdout


@pytest.mark.parametrize(
    ("where", "member", "value"),
    [
        (("fieldConfig", "defaults", "thresholds"), "mode", "absolut"),
        (("fieldConfig", "defaults", "custom"), "fillOpacitty", 10),
        (("fieldConfig", "defaults"), "units", "s"),
        (("options", "legend"), "placement", "below"),
        (("options",), "legnd", {}),
        (("targets", 0), "expression", "up"),
        ((), "tunedock", {"needs": "gpu"}),
    ],
)
def test_a_wrong_key_or_value_is_found(
    checker: Path, tmp_path: Path, where: tuple[str | int, ...], member: str, value: object
) -> None:
    board = dashboards()["now"]
    place: Any = next(panel for panel in board["panels"] if panel["type"] == "timeseries")
    for key in where:
        place = place[key]
    place[member] = value
    (tmp_path / "now.json").write_text(json.dumps(board))
    checked = _check(checker, tmp_path)
    assert checked.returncode != 0
    assert member in checked.stdout or str(value) in checked.stdout


def _check(checker: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    return _run(["node", "check.mjs", str(folder)], checker)


def _run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=folder,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=240,
        check=False,
    )
