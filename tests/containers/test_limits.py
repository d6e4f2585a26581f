"""What the engine holds the containers to, and that .env alone says which installation a command means."""

import os
from dataclasses import replace

import pytest
import yaml  # type: ignore[import-untyped, unused-ignore]

from services.cli.doctor.ask_engine import running_compose_files
from shared.settings import PROJECT_ROOT
from tests.containers.installation import SERVICES, Installation

pytestmark = [pytest.mark.containers, pytest.mark.timeout(600)]

MIB = 1024**2
MEMORY = {"api": 6144 * MIB, "worker": 0, "store": 1536 * MIB, "prometheus": 2048 * MIB}


@pytest.mark.parametrize("service", SERVICES)
def test_a_container_has_its_limits_its_log_and_its_restart(up: Installation, service: str) -> None:
    host = up.container(service)["HostConfig"]
    assert host["Memory"] == MEMORY[service]
    assert host["PidsLimit"] == (8192 if service == "worker" else 1024)
    assert host["OomScoreAdj"] == (500 if service == "worker" else 0)
    assert host["RestartPolicy"]["Name"] == "unless-stopped"
    assert host["LogConfig"] == {"Type": "json-file", "Config": {"max-file": "3", "max-size": "10m"}}


def test_a_limit_of_the_user_s_is_the_worker_s(up: Installation) -> None:
    limited = replace(up, environment={**up.environment, "TUNEDOCK_WORKER_MEMORY": "3g", "TUNEDOCK_GPU": "1"})
    worker = yaml.safe_load(limited.compose("config"))["services"]["worker"]
    assert int(worker["mem_limit"]) == 3072 * MIB
    with_card = replace(limited, files=limited.files[:1])
    worker = yaml.safe_load(with_card.compose("config"))["services"]["worker"]
    (device,) = worker["deploy"]["resources"]["reservations"]["devices"]
    assert device["device_ids"] == ["1"]


def test_a_plain_up_leaves_an_installation_without_a_card_one_without_a_card(up: Installation) -> None:
    before = up.container("worker")["Id"]
    up.compose("up", "-d", *SERVICES)
    worker = up.container("worker")
    assert worker["Id"] == before
    assert "TUNEDOCK_DEVICE=cpu" in worker["Config"]["Env"]
    assert not worker["HostConfig"]["DeviceRequests"]


def test_the_engine_tells_the_doctor_which_files_made_the_containers(up: Installation) -> None:
    assert running_compose_files(PROJECT_ROOT, os.environ) == tuple(str(file) for file in up.files)
