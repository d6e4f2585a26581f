"""The card's reservation on a real engine, and what a worker says that was promised a card and got none."""

import json
import subprocess
from dataclasses import replace

import httpx
import pytest

from tests.containers.installation import PROJECT, Installation
from tests.stack import wait_until

pytestmark = [pytest.mark.containers, pytest.mark.timeout(600)]

REFUSAL = 'could not select device driver "nvidia" with capabilities: [[gpu]]'


def test_a_worker_without_its_card_says_what_is_missing_and_the_rest_stays_up(up: Installation) -> None:
    """With an engine that knows the NVIDIA runtime the worker starts; without one it refuses, as told."""
    with_card = replace(up, files=(up.files[0], up.files[2]))
    told = with_card.compose("up", "-d", "--no-deps", "worker", check=False)
    try:
        if REFUSAL in told:
            return
        (request,) = up.container("worker")["HostConfig"]["DeviceRequests"]
        assert (request["Driver"], request["DeviceIDs"], request["Capabilities"]) == (
            "nvidia",
            ["0"],
            [["gpu"]],
        )
        if has_a_card():
            return
        wait_until(lambda: "cuda" in not_ready(up), 60)
        assert "TUNEDOCK_DEVICE is cuda" in not_ready(up)
        assert "compose.cpu.yaml" in not_ready(up)
        assert httpx.get(f"{up.api_url}/healthz").is_success
        assert "TUNEDOCK_DEVICE is cuda" in up.compose("logs", "--tail", "50", "worker")
        assert "TUNEDOCK_DEVICE is cuda" in up.compose(
            "exec", "-T", "worker", "python", "-m", "services.worker.process.health", check=False
        )
        told = up.compose("exec", "-T", "api", "tunedock", "doctor", "--json", check=False)
        found = json.loads(told[told.index("[") : told.rindex("]") + 1])
        worker = next(finding for finding in found if finding["id"] == "worker")
        assert worker["status"] == "error"
        assert "TUNEDOCK_DEVICE is cuda" in worker["message"]
    finally:
        up.up()
    up.until_ready()


def has_a_card() -> bool:
    name = f"{PROJECT}-worker-1"
    return subprocess.run(["docker", "exec", name, "nvidia-smi"], capture_output=True).returncode == 0


def not_ready(up: Installation) -> str:
    answer = httpx.get(f"{up.api_url}/readyz")
    return "" if answer.is_success else answer.text
