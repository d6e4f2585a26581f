"""The whole service in containers for tests: its own project, ports, volumes and folders on a real engine.

The images are built from this checkout. Grafana is left out: where images can't be pulled it has no stand-in.
What a test would only wait for comes sooner than as delivered: Prometheus's rules, a start's health checks.
"""

import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from services.cli.client import Client
from services.cli.ports import free_port
from services.cli.server import answers
from shared.schemas.records import JobRecord
from shared.settings import PROJECT_ROOT
from tests.stack import QUICK_SETTINGS, until_ended, wait_until

PROJECT = "tunedock-test"
SERVICES = ("api", "worker", "store", "prometheus")
_SLOW_RULE = re.compile(r"(?m)^( *(?:(?:evaluation_)?interval|for): )(?:15|30)s$")
RULES_SECONDS = 5  # how often they are computed, and how long what an alert tells must have lasted


def engine_answers() -> bool:
    """Whether a container engine with compose v2 can be used from here."""
    try:
        for words in (["info"], ["compose", "version"]):
            subprocess.run(["docker", *words], check=True, capture_output=True, timeout=30)
    except (OSError, subprocess.SubprocessError):
        return False
    return True


@dataclass(frozen=True, eq=False)
class Installation:
    """One compose project; `folder` holds what it mounts."""

    folder: Path
    files: tuple[Path, ...]
    environment: dict[str, str]
    api_port: int
    prometheus_port: int

    @property
    def api_url(self) -> str:
        return f"http://127.0.0.1:{self.api_port}"

    @property
    def prometheus_url(self) -> str:
        return f"http://127.0.0.1:{self.prometheus_port}"

    def compose(self, *words: str, check: bool = True, seconds: float = 600) -> str:
        """`docker compose WORDS` for this project; its output, both streams."""
        command = ["docker", "compose", "--progress", "plain", *words]
        done = subprocess.run(
            command,
            cwd=PROJECT_ROOT,
            env=self.shell_environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=seconds,
        )
        assert not check or done.returncode == 0, (
            f"{' '.join(words)}: {done.stdout[-3000:]}{self._last_words()}"
        )
        return done.stdout

    def shell_environment(self) -> dict[str, str]:
        """For plain `docker compose`: a .env of our own chooses files and settings, as a user's does.

        A developer's own .env must not reach what is tested.
        """
        lines = {"COMPOSE_FILE": ":".join(str(file) for file in self.files), **self.environment}
        dotenv = self.folder / ".env"
        dotenv.write_text("".join(f"{name}={value}\n" for name, value in lines.items()))
        chosen = {"COMPOSE_ENV_FILES": str(dotenv), "COMPOSE_PROJECT_NAME": PROJECT}
        return {name: value for name, value in os.environ.items() if name not in lines} | chosen

    def up(self) -> float:
        """Start what is not running and wait until all are healthy; the seconds that took."""
        started = time.monotonic()
        self.compose("up", "-d", "--wait", *SERVICES)
        return time.monotonic() - started

    def exec(self, service: str, *command: str) -> str:
        return self.compose("exec", "-T", service, *command).strip()

    def kill(self, service: str) -> None:
        """`kill -9` a service's container and start it again, as a watchful engine or user does."""
        self.compose("kill", "-s", "KILL", service)
        self.compose("up", "-d", "--wait", service)

    def container(self, service: str) -> dict[str, Any]:
        """What `docker inspect` says of a service's container."""
        name = self.compose("ps", "-a", "-q", service).strip()
        done = subprocess.run(["docker", "inspect", name], check=True, capture_output=True, text=True)
        return dict(json.loads(done.stdout)[0])

    def client(self) -> Client:
        return Client(self.api_url, self.exec("api", "tunedock", "key"))

    def until_ended(self, job_id: str, seconds: float = 240) -> JobRecord:
        with self.client() as client:
            return until_ended(client, job_id, seconds)

    def until_ready(self) -> None:
        wait_until(lambda: answers(self.api_url) and httpx.get(f"{self.api_url}/readyz").is_success, 120)

    def _last_words(self) -> str:
        done = subprocess.run(
            ["docker", "compose", "-p", PROJECT, "logs", "--tail", "20"], capture_output=True, text=True
        )
        return done.stdout[-6000:]


@contextmanager
def installation(folder: Path, **environment: str) -> Iterator[Installation]:
    """Build the images, write the project's overrides, and take everything down at the end, volumes too."""
    api_port, prometheus_port = free_port(), free_port()
    override = folder / "override.yaml"
    rules = _quick_rules(folder / "prometheus")
    override.write_text(json.dumps(_override(folder, rules, prometheus_port)))  # JSON is YAML
    files = (PROJECT_ROOT / "docker-compose.yml", PROJECT_ROOT / "compose.cpu.yaml", override)
    variables = {"TUNEDOCK_API_PORT": str(api_port), **environment}
    project = Installation(folder, files, variables, api_port, prometheus_port)
    project.compose("down", "-v", "--remove-orphans")  # what a killed test run left
    try:
        project.compose("build", "setup", "worker", seconds=1500)
        yield project
    finally:
        project.compose("down", "-v", "--remove-orphans", check=False)


def _quick_rules(folder: Path) -> Path:
    """Prometheus's folder, with rules that come every five seconds where fifteen and thirty are delivered.

    promtool's tests have the true times (tests/monitoring/test_rules.py).
    """
    shutil.copytree(PROJECT_ROOT / "services" / "prometheus", folder)
    for file in (folder / "prometheus.yml", *(folder / "rules").glob("*.yml")):
        file.write_text(_SLOW_RULE.sub(rf"\g<1>{RULES_SECONDS}s", file.read_text()))
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)  # the containers' user is another
    return folder


def _soon_healthy() -> dict[str, dict[str, Any]]:
    """By service, what the override says of its health checks at a start; engines before 25 can't be told.

    The store, which all others wait for, is asked most often, and the worker least: its check imports much.
    """
    asked = ["docker", "version", "--format", "{{.Server.APIVersion}}"]
    version = subprocess.run(asked, check=True, capture_output=True, text=True).stdout.strip()
    if tuple(map(int, version.split("."))) < (1, 44):
        return {service: {} for service in SERVICES}
    intervals = {"store": "500ms", "api": "1s", "prometheus": "1s", "worker": "2s"}
    return {service: {"healthcheck": {"start_interval": often}} for service, often in intervals.items()}


def _override(folder: Path, rules: Path, prometheus_port: int) -> dict[str, Any]:
    mounts = [f"{folder / name}:/{name}:ro" for name in ("models", "datasets")]
    soon = _soon_healthy()
    return {
        "services": {
            "store": soon["store"],
            "api": {**soon["api"], "volumes": mounts},
            "worker": {
                **soon["worker"],
                "volumes": mounts,
                "environment": {
                    **QUICK_SETTINGS,
                    "TUNEDOCK_CHECKPOINT_SECONDS": "0.5",
                    "HF_HUB_OFFLINE": "1",
                    "OMP_NUM_THREADS": "1",
                },
            },
            "prometheus": {
                **soon["prometheus"],
                "networks": ["back", "front"],
                "ports": [f"127.0.0.1:{prometheus_port}:9090"],
                "volumes": [f"{rules}:/etc/prometheus:ro"],
            },
        }
    }
