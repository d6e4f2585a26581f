"""What each container may do, seen from inside: user, capabilities, writable places, open ports, peers."""

import json
import subprocess
from dataclasses import dataclass
from functools import cache

import pytest

from shared.version import VERSION
from tests.containers.installation import SERVICES, Installation
from tests.containers.outside import outside

pytestmark = [pytest.mark.containers, pytest.mark.timeout(900)]

PSEUDO = {"proc", "sysfs", "devpts", "mqueue", "cgroup", "cgroup2", "devtmpfs"}
DOORS = ["store:6379", "api:8080", "api:9464", "worker:9465", "prometheus:9090"]
ASK_DOORS = """
import json, socket, sys
def opens(door):
    host, port = door.rsplit(":", 1)
    try:
        socket.create_connection((host, int(port)), timeout=3).close()
        return True
    except OSError:
        return False
print(json.dumps([door for door in sys.argv[1:] if opens(door)]))
"""


@dataclass(frozen=True)
class Inside:
    """One service's container; `writable` are mounted folders, `listening` TCP ports on all addresses."""

    user: int
    capabilities: int
    no_new_privileges: bool
    seccomp: int
    root_is_read_only: bool
    writable: frozenset[str]
    listening: frozenset[int]
    reaches: frozenset[str]


@cache
def inside(up: Installation, service: str) -> Inside:
    read = up.exec(service, "cat", "/proc/1/status")
    status = {line.split(":")[0]: line.split()[1:] for line in read.splitlines() if ":" in line}
    mounts = [line.split()[:4] for line in up.exec(service, "cat", "/proc/1/mounts").splitlines()]
    options = {place: flags.split(",") for _, place, kind, flags in mounts if kind not in PSEUDO}
    sockets = up.exec(service, "cat", "/proc/net/tcp", "/proc/net/tcp6").splitlines()
    return Inside(
        user=int(status["Uid"][1]),
        capabilities=int(status["CapEff"][0], 16)
        | int(status["CapPrm"][0], 16)
        | int(status["CapBnd"][0], 16),
        no_new_privileges=status["NoNewPrivs"] == ["1"],
        seccomp=int(status["Seccomp"][0]),
        root_is_read_only="ro" in options["/"],
        writable=frozenset(
            place
            for place, flags in options.items()
            if "rw" in flags and not place.startswith(("/dev", "/proc", "/sys"))
        ),
        listening=frozenset(
            int(words[1].rpartition(":")[2], 16)
            for words in (line.split() for line in sockets)
            if words[3:4] == ["0A"] and set(words[1].rpartition(":")[0]) == {"0"}
        ),
        reaches=frozenset(reached(up, service, DOORS)),
    )


def reached(up: Installation, service: str, doors: list[str]) -> list[str]:
    """Which of `doors` open, asked by a neighbour in the service's own network: not every image has tools."""
    name = up.compose("ps", "-q", service).strip()
    command = ["docker", "run", "--rm", f"--network=container:{name}", "--entrypoint=python"]
    asked = [*command, f"tunedock-api:{VERSION}", "-c", ASK_DOORS, *doors]
    done = subprocess.run(asked, capture_output=True, text=True, timeout=60, check=True)
    return list(json.loads(done.stdout))


def test_every_container_is_an_unprivileged_user_on_a_read_only_root(up: Installation) -> None:
    for service in SERVICES:
        found = inside(up, service)
        print(f"{service}: {found}")
        assert (found.user, found.capabilities, found.no_new_privileges, found.seccomp) == (1000, 0, True, 2)
        assert found.root_is_read_only


def test_a_container_writes_only_where_it_must(up: Installation) -> None:
    assert {service: inside(up, service).writable for service in SERVICES} == {
        "store": {"/tmp", "/data"},
        "api": {"/tmp", "/data"},
        "worker": {"/tmp", "/data", "/hf-cache", "/kernels"},
        "prometheus": {"/tmp", "/prometheus"},
    }


def test_a_container_listens_where_it_should_and_nowhere_else(up: Installation) -> None:
    assert {service: inside(up, service).listening for service in SERVICES} == {
        "store": {6379},
        "api": {8080, 9464},
        "worker": {9465},
        "prometheus": {9090},
    }


def test_only_the_worker_reaches_the_world(up: Installation) -> None:
    with outside() as door:
        assert [service for service in SERVICES if reached(up, service, [door])] == ["worker"]


def test_all_reach_each_other_behind(up: Installation) -> None:
    """The store asks every one of them for its password all the same."""
    for service in SERVICES:
        assert inside(up, service).reaches == set(DOORS)
    assert "NOAUTH" in up.compose("exec", "-T", "store", "valkey-cli", "info", check=False)


def test_only_the_api_is_published_and_only_on_this_machine(up: Installation) -> None:
    published = {
        service: [
            door
            for doors in up.container(service)["NetworkSettings"]["Ports"].values()
            for door in doors or []
        ]
        for service in SERVICES
    }
    assert not published["store"]
    assert not published["worker"]
    assert [(door["HostIp"], door["HostPort"]) for door in published["api"]] == [
        ("127.0.0.1", str(up.api_port))
    ]


def test_kernels_may_run_from_their_folder_and_nothing_from_tmp(up: Installation) -> None:
    mounts = {
        line.split()[1]: line.split()[3] for line in up.exec("worker", "cat", "/proc/1/mounts").splitlines()
    }
    assert "noexec" in mounts["/tmp"]
    assert "noexec" not in mounts["/kernels"]
    assert up.exec("worker", "sh", "-c", "command -v cc || command -v gcc")
