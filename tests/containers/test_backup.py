"""docs/backup.md, command by command: what was saved comes back after the volumes are gone."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.settings import PROJECT_ROOT
from tests.containers.installation import PROJECT, SERVICES, Installation
from tests.containers.test_life import REQUEST, assert_whole

pytestmark = [pytest.mark.containers, pytest.mark.timeout(900)]

PAGE = PROJECT_ROOT / "docs" / "backup.md"
BACKUP = "tunedock-backup.tar"


def commands(name: str) -> list[str]:
    (block,) = re.findall(rf"<!-- {name} -->\n```sh\n(.+?)```\n<!-- /{name} -->", PAGE.read_text(), re.DOTALL)
    return list(block.strip().splitlines())


def paste(up: Installation, name: str, folder: Path) -> list[str]:
    """What each command of the page prints; only project, place of the file and Grafana differ."""
    said = []
    for command in commands(name):
        mended = command.replace("tunedock_", f"{PROJECT}_").replace(BACKUP, str(folder / BACKUP))
        if " up " in command:
            mended += f" {' '.join(SERVICES)}"
        done = subprocess.run(
            ["bash", "-c", mended],
            cwd=PROJECT_ROOT,
            env=up.shell_environment(),
            capture_output=True,
            text=True,
            timeout=400,
        )
        assert done.returncode == 0, f"{mended}: {done.stdout[-1000:]}{done.stderr[-2000:]}"
        said.append(done.stdout)
    return said


@pytest.fixture
def after(up: Installation) -> Iterator[None]:
    """The other tests find an installation, whatever happened here."""
    yield
    up.up()
    up.until_ready()


def test_jobs_adapters_and_the_key_come_back_after_the_volumes_are_gone(
    up: Installation, tmp_path: Path, after: None
) -> None:
    with up.client() as client:
        ended = client.submit(REQUEST)
        assert_whole(up, up.until_ended(ended.id))
        running = client.submit(
            REQUEST | {"hyperparameters": {**REQUEST["hyperparameters"], "max_steps": 100_000}}
        )
        waiting = client.submit(REQUEST)
    key = up.exec("api", "tunedock", "key")

    counted = paste(up, "backup", tmp_path)[-1]
    assert int(counted) > 0
    up.compose("down", "-v")
    volumes = subprocess.run(["docker", "volume", "ls", "-q"], capture_output=True, text=True).stdout.split()
    assert not [name for name in volumes if name.startswith(f"{PROJECT}_")]

    listed = paste(up, "restore", tmp_path)[-1]
    up.until_ready()
    assert all(job.id in listed for job in (ended, running, waiting))
    assert up.exec("api", "tunedock", "key") == key
    assert_whole(up, up.until_ended(ended.id))
    with up.client() as client:
        assert client.job(running.id).status in ("queued", "running")
        client.cancel(running.id)
        assert up.until_ended(running.id).status == "cancelled"
    assert_whole(up, up.until_ended(waiting.id))


def test_every_volume_is_in_the_backup_or_can_be_made_again() -> None:
    (line,) = (line for line in commands("backup") if " run " in line)
    saved = {word.removeprefix("volumes/") for word in line.partition("-cf - ")[2].partition(" >")[0].split()}
    (removed,) = (line for line in commands("restore") if " volume rm " in line)
    assert set(re.findall(r"tunedock_([\w-]+)", removed)) == saved
    text = (PROJECT_ROOT / "docker-compose.yml").read_text().rpartition("\nvolumes:\n")[2]
    every = set(re.findall(r"^  ([\w-]+): \{\}", text, re.MULTILINE))
    assert every - saved == {"hf-cache", "kernels", "no-host-cache"}
