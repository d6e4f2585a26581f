"""Before the containers start: passwords, the store's configuration, volumes that their users can write.

`python -m services.api.first_start VOLUMES` runs once at each `docker compose up`, with every volume mounted
below VOLUMES. What exists stays, so that a second start changes no password.
"""

import os
import secrets
import sys
from pathlib import Path

from services.api.auth import make_key_file
from shared.durable import write_private
from shared.settings import Settings
from shared.store_configuration import store_configuration

STORE_FOLDER = Path("/data")  # where the store's container has its volume
STORE_PORT = 6379
PASSWORD_FILES = {"store": "store-access/password", "grafana": "grafana-access/password"}


def prepare(volumes: Path, settings: Settings) -> None:
    """Make ready what the other containers mount. Raises SystemExit naming a volume that can't be written."""
    folders = sorted(path for path in volumes.iterdir() if path.is_dir())
    for folder in [*folders, settings.data_dir]:
        _require_writable(folder)
    password = _remembered(volumes / PASSWORD_FILES["store"])
    _remembered(volumes / PASSWORD_FILES["grafana"])
    configuration = store_configuration(
        host="* -::*", port=STORE_PORT, password=password, folder=STORE_FOLDER
    )
    write_private(volumes / "store" / "valkey.conf", configuration)
    # Made here rather than by the API, which would tell it to the container's log.
    make_key_file(settings.api_keys_file or settings.data_dir / "api.key")


def _require_writable(folder: Path) -> None:
    try:
        (folder / ".tunedock").touch()
    except OSError as error:
        raise SystemExit(
            f"The volume {folder.name} can't be written by user {os.geteuid()}: {error.strerror}. If it is a "
            f"folder of yours (TUNEDOCK_HF_CACHE), give it to that user: sudo chown -R {os.geteuid()} FOLDER"
        ) from error


def _remembered(path: Path) -> str:
    if not path.exists():
        write_private(path, secrets.token_urlsafe(32) + "\n")
    return path.read_text().strip()


if __name__ == "__main__":
    try:
        prepare(Path(sys.argv[1]), Settings.from_environment())
    except ValueError as error:  # the others read the same variables, and would only restart for ever
        raise SystemExit(str(error)) from error
