"""What tests of the probe share: the file itself, and running a program with and without it."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.cli.explain.command import PROBE

HERE = Path(__file__).parent
SECONDS = 240
# What a machine that others use adds to any report; a test can't rule it out.
# As a user's shell has it: `./tunedock test` sets what changes how Python looks for modules.
ENVIRONMENT = {
    name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONSAFEPATH")
}
OF_THE_MACHINE = {"neighbours", "processor-limit", "too-many-threads", "swap"}


@dataclass(frozen=True)
class Ended:
    """How a program ended, and the probe's report where there is one."""

    status: int
    out: str
    err: str
    report: dict[str, Any]


def own_findings(training: dict[str, Any]) -> list[dict[str, Any]]:
    """The findings of a training, greatest gain first, without those that other programs cause."""
    return [finding for finding in training["findings"] if finding["check"] not in OF_THE_MACHINE]


def run(words: list[str | Path], folder: Path, *, own: list[str] | None = None, given: str = "") -> Ended:
    """Run Python with these words in `folder`."""
    done = subprocess.run(
        [sys.executable, *(own or []), *map(str, words)],
        cwd=folder, env=ENVIRONMENT, input=given, capture_output=True, text=True, timeout=SECONDS,
    )  # fmt: skip
    file = folder / "report.json"
    report = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    return Ended(done.returncode, done.stdout, done.stderr, report)


def run_probed(
    words: list[str | Path], folder: Path, *, own: list[str] | None = None, given: str = ""
) -> Ended:
    """The same under the probe, whose report lies in `folder`."""
    return run([PROBE, "--json", folder / "report.json", *words], folder, own=own, given=given)
