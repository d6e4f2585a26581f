"""The store of this installation for a command: the one that runs, or the embedded one, started for it."""

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from services.cli.failure import CommandFailed
from services.cli.process import ProcessSpec, SupervisedProcess
from services.cli.stack_state import own_folder, running_stack
from services.cli.store import EmbeddedStore, StoreAccess, prepare_store
from services.cli.store_log import seal_log
from services.cli.terminal import Terminal
from shared.errors import StoreUnavailable
from shared.messages.message import say
from shared.repair_store import RepairStore
from shared.settings import PROJECT_ROOT, Settings

STOP_SECONDS = 30.0
POLL_SECONDS = 0.02


@dataclass(frozen=True)
class ReachedStore:
    """`is_running`: a service may use it at the same time."""

    store: RepairStore
    is_running: bool


@contextmanager
def reached_store(
    settings: Settings, terminal: Terminal, look_at_log: Callable[[Path], None]
) -> Iterator[ReachedStore]:
    """The store, whether or not a service runs. Raises `CommandFailed` and `StoreUnavailable`.

    Where none runs, nobody can start one on this data folder meanwhile, and `look_at_log` gets the folder of
    the embedded store before that starts.
    """
    if (url := settings.store_address) is not None:
        yield ReachedStore(RepairStore.connect(url), is_running=True)
    elif running_stack(settings.data_dir):
        yield ReachedStore(_of_running_stack(settings.data_dir), is_running=True)
    else:
        with own_folder(settings.data_dir, terminal.note) as lock:
            embedded, folder = prepare_store(settings.data_dir), settings.data_dir / "store"
            look_at_log(folder)
            with embedded_store(embedded, settings.data_dir, lock) as access:
                yield ReachedStore(RepairStore.connect(access.url), is_running=False)
            seal_log(folder)


@contextmanager
def embedded_store(store: EmbeddedStore, data_dir: Path, lock: int) -> Iterator[StoreAccess]:
    """Run the store alone, and stop it in order. Raises `CommandFailed` if it does not start."""
    logs = data_dir / "logs"
    logs.mkdir(mode=0o700, exist_ok=True)
    environment = os.environ | {"PYTHONPATH": str(PROJECT_ROOT)}
    spec = ProcessSpec(
        "store", store.command, environment, PROJECT_ROOT, STOP_SECONDS, inherited_descriptors=(lock,)
    )
    process = SupervisedProcess(spec, logs / "store.log", lambda name, line: None)
    process.start()
    try:
        while not store.answers():
            if process.gone():
                lines = "\n".join(process.tail)
                raise CommandFailed(
                    say("store-alone-not-started", lines=lines), say("logs-are-in", folder=logs)
                )
            time.sleep(POLL_SECONDS)
        yield store.access
    finally:
        process.ask_to_stop()
        deadline = time.monotonic() + STOP_SECONDS
        while not process.gone():
            if time.monotonic() > deadline:
                process.kill()
            time.sleep(POLL_SECONDS)


def _of_running_stack(data_dir: Path) -> RepairStore:
    try:
        access = StoreAccess(**json.loads((data_dir / "store" / "access.json").read_text()))
        store = RepairStore.connect(access.url)
        store.is_held()
    except (OSError, ValueError, TypeError, StoreUnavailable) as error:
        raise CommandFailed(say("repair-store-silent"), say("repair-stop-first")) from error
    return store
