"""Which container engine `docker` speaks to, and whether it can hand a card to a container."""

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from services.cli.doctor.facts import EngineFacts
from services.cli.doctor.programs import ask_program, complaint_of


def ask_engine(environment: Mapping[str, str]) -> EngineFacts:
    """Facts of `docker info`."""
    answer = ask_program("docker", ("info", "--format", "{{json .}}"), environment)
    if answer.path is None:
        return EngineFacts()
    try:
        told = json.loads(answer.output)
    except ValueError:
        told = None
    # Without its engine the client fills in a form of empty fields, and may even end with 0.
    if not isinstance(told, dict) or not told.get("ServerVersion"):
        return EngineFacts(path=answer.path, problem=complaint_of(answer))
    return EngineFacts(
        path=answer.path,
        version=str(told["ServerVersion"]),
        operating_system=str(told.get("OperatingSystem") or ""),
        runtimes=tuple(sorted(told.get("Runtimes") or ())),
        nvidia_hook=_has_hook(environment) or "nvidia.com/gpu" in json.dumps(told.get("DiscoveredDevices")),
    )


def running_compose_files(root: Path, environment: Mapping[str, str]) -> tuple[str, ...]:
    """The compose files that made the containers of the project in `root`, as the engine knows."""
    label = "com.docker.compose"
    ours = (
        "--filter",
        f"label={label}.project.working_dir={root}",
        "--filter",
        f"label={label}.service=worker",
    )
    shown = ("--format", f'{{{{.Label "{label}.project.config_files"}}}}')
    answer = ask_program("docker", ("ps", *ours, *shown), environment)
    first = answer.output.partition("\n")[0] if answer.exit_code == 0 else ""
    return tuple(name for name in first.split(",") if name)


def _has_hook(environment: Mapping[str, str]) -> bool:
    places = environment.get("PATH", os.defpath)
    return shutil.which("nvidia-container-runtime-hook", path=places) is not None
