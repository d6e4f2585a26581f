"""`./tunedock doctor` as a user runs it: without a stack, beside one, with tools that refuse."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import redis

from services.cli.doctor.checks.engine import REFUSAL
from shared.settings import PROJECT_ROOT
from tests.cli.programs import make_program
from tests.stack import LiveStack, stack_environment
from tests.valkey import Valkey

RUNC_ONLY = json.dumps({"ServerVersion": "28.2.2", "OperatingSystem": "Debian 12", "Runtimes": {"runc": {}}})


def doctor(folder: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "services.cli", "doctor", *words],
        cwd=folder,
        env=os.environ | stack_environment(folder) | environment,
        capture_output=True,
        text=True,
        timeout=60,
    )


def findings(done: subprocess.CompletedProcess[str]) -> dict[str, dict[str, Any]]:
    assert done.returncode in (0, 1), done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)
    assert all(set(one) == {"id", "status", "message", "remedy"} for one in found)
    return {one["id"]: one for one in found}


def test_without_a_stack_it_fails_and_says_how_to_start_one(tmp_path: Path) -> None:
    done = doctor(tmp_path)
    assert done.returncode == 1
    assert "The embedded store is not running" in done.stdout
    assert "→ Start the service: ./tunedock up" in done.stdout
    assert "\x1b" not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_beside_a_running_stack_nothing_is_an_error(stack: LiveStack) -> None:
    done = stack.command("doctor", "--json")
    found = findings(done)
    assert done.returncode == 0, done.stdout
    assert {found[name]["status"] for name in ("store", "api", "key", "worker")} == {"ok"}
    assert "The embedded store at 127.0.0.1:" in found["store"]["message"]
    assert stack.key not in done.stdout


def test_another_installations_key_is_refused(stack: LiveStack, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data/api.key").write_text("not-this-one\n")
    found = findings(doctor(tmp_path, "--json", TUNEDOCK_API_PORT=stack.url.rpartition(":")[2]))
    assert found["store"]["status"] == "ok"
    assert found["key"]["status"] == "error"
    assert "not-this-one" not in json.dumps(found)


def test_a_wrong_password_reads_differently_from_a_store_that_is_away(valkey: Valkey, tmp_path: Path) -> None:
    redis.Redis(port=valkey.port).config_set("requirepass", "right")
    valkey_url = f"redis://:wrong@127.0.0.1:{valkey.port}/0"
    refused = findings(doctor(tmp_path, "--json", TUNEDOCK_STORE_URL=valkey_url))["store"]["message"]
    valkey.kill()
    away = findings(doctor(tmp_path, "--json", TUNEDOCK_STORE_URL=valkey_url))["store"]["message"]
    assert "refuses the password" in refused
    assert "Nothing answers" in away
    assert "wrong@" not in refused + away


def test_a_card_that_was_asked_for_is_missed_at_every_level(tmp_path: Path) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    make_program(tools / "docker", f"echo '{RUNC_ONLY}'")
    make_program(tools / "nvidia-smi", "echo 'No devices were found'; exit 6")
    done = doctor(tmp_path, "--json", PATH=str(tools), TUNEDOCK_DEVICE="cuda", TRANSFORMERS_CACHE="/old")
    found = findings(done)
    assert done.returncode == 1
    assert REFUSAL in found["container-runtime"]["message"]
    assert "No devices were found" in found["driver"]["message"]
    assert found["card"]["status"] == "error"
    assert "TRANSFORMERS_CACHE=/old" in found["cache-variables"]["message"]


def test_a_card_with_an_old_driver_is_shown_with_both_numbers(tmp_path: Path) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    make_program(tools / "nvidia-smi", "echo 'NVIDIA GeForce RTX 3050, 450.36, 6144, 8.6'")
    found = findings(doctor(tmp_path, "--json", PATH=str(tools)))
    assert "RTX 3050 (6.44 GB)" in found["card"]["message"]
    assert "450.36" in found["driver"]["message"]


def test_the_workers_own_problem_is_repeated(tmp_path: Path) -> None:
    state = tmp_path / "data/worker/worker.state.json"
    state.parent.mkdir(parents=True)
    state.write_text(json.dumps({"device": None, "problem": "sees no NVIDIA card", "hf_cache": "/hf-cache"}))
    found = findings(doctor(tmp_path, "--json"))
    assert (found["worker"]["status"], found["worker"]["message"]) == ("error", "sees no NVIDIA card")
    state.write_text("{")
    assert findings(doctor(tmp_path, "--json"))["worker"]["status"] == "unknown"


def test_it_runs_without_torch_and_without_the_services(tmp_path: Path) -> None:
    probe = (
        "import sys; from services.cli.__main__ import main; main(['doctor', '--json']); "
        "sys.exit(bool({'torch', 'flask', 'celery', 'transformers'} & set(sys.modules)))"
    )
    environment = os.environ | stack_environment(tmp_path) | {"PYTHONPATH": str(PROJECT_ROOT)}
    done = subprocess.run([sys.executable, "-c", probe], env=environment, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr


ONLY_LOCKED = """
import re
import sys
from importlib.metadata import packages_distributions

class Unlocked:
    def find_spec(self, name, path=None, target=None):
        if name in unlocked:
            raise ImportError(f"{name} is not in cli.txt")

locked = set(sys.argv[1].split())
unlocked = {
    name
    for name, distributions in packages_distributions().items()
    if not locked & {re.sub("[-_.]+", "-", one).lower() for one in distributions}  # as locks spell them
} - {"services", "shared"}
sys.meta_path.insert(0, Unlocked())
from services.cli.__main__ import main
sys.exit(main(["doctor", "--json"]))
"""


def test_doctor_needs_nothing_but_the_commands_own_lock(tmp_path: Path) -> None:
    lines = (PROJECT_ROOT / "requirements/cli.txt").read_text().splitlines()
    locked = " ".join(line.partition("==")[0] for line in lines if not line.startswith(("#", " ")))
    environment = os.environ | stack_environment(tmp_path) | {"PYTHONPATH": str(PROJECT_ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", ONLY_LOCKED, locked],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert findings(done)["api"]["status"] == "error"
