"""The commands for whoever changes Tunedock: `check` (lint, types, import contracts) and `test`."""

import json
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from shared.messages.message import say
from shared.messages.render import told

ROOT = Path(__file__).resolve().parents[2]

_LINT_IMPORTS = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_logo=True))"
CHECKS = {
    "lint": ["-m", "ruff", "check"],
    "format": ["-m", "ruff", "format", "--check"],
    "types": ["-m", "mypy"],
    "imports": ["-c", _LINT_IMPORTS],
}


@dataclass(frozen=True)
class Verdict:
    """What one tool said about the code; `output` is the tool's own."""

    check: str
    ok: bool
    seconds: float
    output: str


def check(arguments: list[str]) -> int:
    """Runs every check and prints what each says; 1 when any failed, 2 on wrong usage."""
    if arguments not in ([], ["--json"]):
        print(told(say("check-usage", seen=repr(" ".join(arguments)))), file=sys.stderr)
        return 2
    verdicts = []
    for name in CHECKS:
        verdict = _run(name)
        verdicts.append(verdict)
        if not arguments:
            _print(verdict)
    ok = all(verdict.ok for verdict in verdicts)
    if arguments:
        print(json.dumps({"ok": ok, "checks": [asdict(verdict) for verdict in verdicts]}))
    return 0 if ok else 1


def test(arguments: list[str]) -> int:
    """Runs pytest at the repository root with `arguments`, and gives its exit code.

    With ``--json`` as the first argument pytest's text goes to stderr, and stdout gets one line of counts.
    """
    if arguments[:1] != ["--json"]:
        return _pytest(arguments)
    with TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        code = _pytest([*arguments[1:], f"--junit-xml={report}"], stdout=sys.stderr.fileno())
        print(json.dumps({"ok": code == 0, "exit_code": code, **_counts(report)}))
    return code


def _run(name: str) -> Verdict:
    start = time.monotonic()
    command = [sys.executable, *CHECKS[name]]
    run = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return Verdict(name, run.returncode == 0, round(time.monotonic() - start, 2), run.stdout.strip())


def _print(verdict: Verdict) -> None:
    if not verdict.ok:
        print(verdict.output)
    said = say(
        "check-verdict-label", verdict="ok" if verdict.ok else "failed", time=f"{verdict.seconds:.1f} s"
    )
    print(f"{verdict.check:8} {told(said)}", flush=True)


def _pytest(arguments: list[str], stdout: int | None = None) -> int:
    """On all processors; `arguments` may say otherwise (``-n 0``), and a debugger does."""
    # In the order of the files: containers take longest, and come early in it.
    processes = [] if "--trace" in arguments else ["-n", "auto", "--no-loadscope-reorder"]
    command = [sys.executable, "-m", "pytest", *processes, *arguments]
    with subprocess.Popen(command, cwd=ROOT, stdout=stdout) as pytest:
        while True:
            try:
                code = pytest.wait()
            except KeyboardInterrupt:
                continue  # pytest got it too, and says so itself
            return code if code >= 0 else 128 - code  # as a shell reports a signal


def _counts(report: Path) -> dict[str, float]:
    """Of a JUnit report: numbers of tests by outcome, and seconds; empty when pytest wrote none."""
    if not report.exists():
        return {}
    suites = list(ElementTree.parse(report).getroot().iter("testsuite"))
    total = {
        key: sum(int(suite.get(key, 0)) for suite in suites)
        for key in ("tests", "failures", "errors", "skipped")
    }
    return {**total, "seconds": sum(float(suite.get("time", 0)) for suite in suites)}
