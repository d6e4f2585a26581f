"""The compose files, the Dockerfiles and .env.example: valid, pinned, and naming only settings there are."""

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped, unused-ignore]

from services.cli.compose_settings import COMPOSE_SETTINGS, HUB_VARIABLES
from services.cli.doctor.checks.card import WITHOUT_CARD
from services.cli.doctor.compose_env import CHOOSE_CPU
from services.cli.environment import LAUNCHER_SETTINGS
from shared.messages.render import render
from shared.settings import PROJECT_ROOT, Settings

COMPOSE = PROJECT_ROOT / "docker-compose.yml"
CPU = PROJECT_ROOT / "compose.cpu.yaml"
WEBHOOKS = PROJECT_ROOT / "compose.webhooks.yaml"
EXAMPLE = PROJECT_ROOT / ".env.example"
DOCKERFILES = [PROJECT_ROOT / "Dockerfile.gpu", PROJECT_ROOT / "services" / "api" / "Dockerfile"]
WITH_FILES = re.compile(r"docker compose (?:-\S+ (?:[^-\s]\S* )?)*?(?:-f|--file)\b.*")
VARIABLE = re.compile(r"\$\{([A-Z][A-Z0-9_]*)")


def services() -> dict[str, Any]:
    return dict(yaml.safe_load(COMPOSE.read_text())["services"])


def known_names() -> set[str]:
    rows = [*Settings.settings_table(), *LAUNCHER_SETTINGS, *COMPOSE_SETTINGS]
    return {name for name, _, _ in rows} | set(HUB_VARIABLES)


def names_in_compose() -> Iterator[str]:
    """Of our own programs: Prometheus has no variables, Grafana's are its own."""
    yield from VARIABLE.findall(COMPOSE.read_text() + CPU.read_text())
    for service in services().values():
        yield from (name for name in service.get("environment", {}) if not name.startswith("GF_"))


def test_every_variable_of_compose_is_a_known_setting() -> None:
    assert set(names_in_compose()) - known_names() == set()


def test_every_line_of_the_example_is_optional_and_a_known_setting() -> None:
    lines = [line for line in EXAMPLE.read_text().splitlines() if line]
    assert all(line.startswith("#") for line in lines)
    named = {line[1:].partition("=")[0] for line in lines if re.match(r"#[A-Z]", line)}
    assert named
    assert named - known_names() == set()


def test_what_compose_takes_from_outside_is_in_the_example() -> None:
    taken = set(VARIABLE.findall(COMPOSE.read_text()))
    taken |= {
        name
        for service in services().values()
        for name, value in service.get("environment", {}).items()
        if value is None
    }
    text = EXAMPLE.read_text()
    assert {name for name in taken if f"#{name}=" not in text} == set()


@pytest.mark.parametrize("file", [COMPOSE, WEBHOOKS], ids=lambda path: path.name)
def test_compose_is_what_its_schema_says(file: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "check_jsonschema",
        "--builtin-schema",
        "vendor.compose-spec",
        str(file),
    ]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("file", DOCKERFILES, ids=lambda path: path.name)
def test_a_dockerfile_has_nothing_to_object_to(file: Path, need: Callable[[bool, str], None]) -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    need(hadolint.is_file(), "hadolint")
    done = subprocess.run([str(hadolint), "--no-color", str(file)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_images_are_pinned_to_a_version() -> None:
    for name, service in services().items():
        assert re.search(r":v?\d+\.\d+\.\d+", service["image"]), name


def test_only_api_and_grafana_are_published_and_only_on_this_machine() -> None:
    published = {name: service["ports"] for name, service in services().items() if "ports" in service}
    assert set(published) == {"api", "grafana"}
    bind = "${TUNEDOCK_BIND_ADDRESS:-127.0.0.1}:"
    assert all(port.startswith(bind) for ports in published.values() for port in ports)


def test_what_the_api_sends_leaves_the_machine_only_where_the_file_for_webhooks_is_chosen() -> None:
    """The first network by name that is not internal is a container's way out."""
    networks = yaml.safe_load(COMPOSE.read_text())["networks"]
    no_way_out = {"com.docker.network.bridge.enable_ip_masquerade": "false"}
    assert services()["api"]["networks"] == ["back", "front"]
    assert networks["back"]["internal"]
    assert networks["front"]["driver_opts"] == no_way_out
    more = yaml.safe_load(WEBHOOKS.read_text())
    assert more["services"] == {"api": {"networks": ["egress"]}}
    assert (more["networks"], min("egress", "front")) == ({"egress": {}}, "egress")
    line = f"COMPOSE_FILE={COMPOSE.name}:{WEBHOOKS.name}"
    for name in ("docs/webhooks.md", ".env.example", WEBHOOKS.name):
        assert line in (PROJECT_ROOT / name).read_text(), name


def test_every_service_has_limits_of_memory_and_processes_and_the_worker_s_is_the_user_s() -> None:
    limits = {name: (service.get("mem_limit"), service["pids_limit"]) for name, service in services().items()}
    assert all(limit != (None, None) for limit in limits.values())
    assert {name for name, (memory, _) in limits.items() if memory is None} == set()
    assert (
        limits["worker"][0] == "${TUNEDOCK_WORKER_MEMORY:-0}"
    )  # a default would break loads of a larger model
    assert services()["worker"]["oom_score_adj"] > 0


def test_every_service_that_stays_is_restarted_and_its_log_is_bounded() -> None:
    for name, service in services().items():
        assert service["restart"] == ("no" if name == "setup" else "unless-stopped")
        assert service["logging"]["options"] == {"max-size": "10m", "max-file": "3"}


def test_the_worker_s_card_is_a_choice() -> None:
    (card,) = services()["worker"]["deploy"]["resources"]["reservations"]["devices"]
    assert card["device_ids"] == ["${TUNEDOCK_GPU:-0}"]
    assert "count" not in card  # which would be card 0, whatever else there is


def test_grafana_s_types_are_those_of_the_grafana_that_compose_runs() -> None:
    package = json.loads((PROJECT_ROOT / "services/grafana/schema/package.json").read_text())
    image = services()["grafana"]["image"]
    assert image == f"grafana/grafana:{package['dependencies']['@grafana/schema']}"


def test_prometheus_is_of_a_release_that_is_still_mended() -> None:
    """2.53, the long-term release before, is not; 3.13 is the one of 2026."""
    image = services()["prometheus"]["image"]
    assert [int(part) for part in image.partition(":v")[2].split(".")[:2]] >= [3, 13]


def test_images_and_project_have_one_version() -> None:
    (version,) = re.findall(r'^version = "(.+)"', (PROJECT_ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    labels = [re.findall(r'image.version="(.+)"', file.read_text()) for file in DOCKERFILES]
    assert labels == [[version], [version]]
    own = {service["image"] for service in services().values() if "build" in service}
    assert own == {f"tunedock-api:{version}", f"tunedock-worker:{version}"}


def texts() -> Iterator[tuple[str, str]]:
    """Every text of the repository that somebody may copy a command from, comments of programs too."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=PROJECT_ROOT, capture_output=True, text=True)
    names = [name for name in listed.stdout.split("\0") if name and not name.startswith("tests/")]
    assert "README.md" in names
    for name in names:
        path = PROJECT_ROOT / name
        if (
            path.suffix in (".md", ".py", ".yml", ".yaml", ".json", ".html", ".example", "")
            and path.is_file()
        ):
            yield name, path.read_text(encoding="utf-8", errors="replace")


def test_no_text_recommends_a_compose_command_that_names_other_files_than_env_does() -> None:
    """With -f, COMPOSE_FILE counts for nothing; a later plain command then makes another installation."""
    said = [(name, line) for name, text in texts() for line in re.findall(WITH_FILES, text)]
    assert said == []


def test_the_line_for_a_machine_without_a_card_is_the_same_everywhere() -> None:
    assert f"COMPOSE_FILE={COMPOSE.name}:{CPU.name}" == CHOOSE_CPU
    places = ("docs/containers.md", ".env.example", "compose.cpu.yaml", "docs/windows.md")
    assert [name for name in places if CHOOSE_CPU not in (PROJECT_ROOT / name).read_text()] == []
    assert CHOOSE_CPU in render(WITHOUT_CARD)
    assert all((PROJECT_ROOT / name).is_file() for name in CHOOSE_CPU.partition("=")[2].split(":"))
