"""promtool, which checks rules and metrics: this machine's, or that of an engine's Prometheus image."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import yaml  # type: ignore[import-untyped, unused-ignore]

from tests.monitoring.dashboards import ROOT

PROMETHEUS = ROOT / "services" / "prometheus"
_IN_CONTAINER = "/checked"


@dataclass(frozen=True)
class Promtool:
    """`image` is None where promtool is on PATH."""

    image: str | None = None

    def run(
        self, *arguments: str, folder: Path = PROMETHEUS, stdin: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Run it inside `folder`, which the arguments' paths begin at; stdout and stderr together."""
        return subprocess.run(
            [*self._command(folder), *arguments],
            cwd=folder,
            input=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
            check=False,
        )

    def _command(self, folder: Path) -> list[str]:
        if self.image is None:
            return ["promtool"]
        mount = f"type=bind,source={folder},target={_IN_CONTAINER},readonly"
        options = ["--rm", "--interactive", "--network=none", "--workdir", _IN_CONTAINER, "--mount", mount]
        return ["docker", "run", *options, "--entrypoint=promtool", self.image]


def find_promtool() -> Promtool | None:
    """From PATH, else from the image that compose names where the engine has it; nothing is downloaded."""
    if shutil.which("promtool"):
        return Promtool()
    if not os.environ.get("DOCKER_HOST") or not shutil.which("docker"):
        return None
    image = prometheus_image()
    found = subprocess.run(
        ["docker", "image", "inspect", image], capture_output=True, timeout=30, check=False
    )
    return Promtool(image) if found.returncode == 0 else None


def prometheus_image() -> str:
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    return str(compose["services"]["prometheus"]["image"])
