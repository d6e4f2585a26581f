"""Before and after the embedded store starts: a log that lacks something never starts without a word."""

import shutil
from contextlib import suppress
from pathlib import Path

from services.cli.failure import CommandFailed
from services.cli.store_log import LOG_FOLDER, PIECE_BYTES, LogState, cut, forget_seal, log_state
from services.cli.terminal import Terminal
from shared.durable import fsync_path
from shared.errors import StoreUnavailable
from shared.messages.message import Message, say
from shared.repair.aside import Aside
from shared.repair.on_disk import unknown_jobs
from shared.repair_store import RepairStore


def require_whole_log(store_folder: Path, terminal: Terminal) -> None:
    """Say what is cut from a log with a torn end; raises `CommandFailed` for one that is damaged."""
    state = log_state(store_folder)
    if not state.is_whole:
        raise CommandFailed(what_is_wrong(state)[0], say("repair-the-log"))
    if state.cut_bytes:
        terminal.note(say("log-is-torn", cut_bytes=state.cut_bytes))


def what_is_wrong(state: LogState) -> list[Message]:
    """Each damage of a log, the one that keeps the store from starting first."""
    found = [say("log-file-missing", file=path) for path in state.missing]
    if state.damaged is not None:
        found.append(say("log-is-damaged", file=state.damaged, place=str(state.good_bytes)))
    found += [
        say("log-was-altered", file=path, place=str(place), piece_bytes=PIECE_BYTES)
        for path, place in state.altered
    ]
    return found


def mend_log(state: LogState, store_folder: Path, aside: Aside) -> Message:
    """Keep a copy of the log and leave what of it can be read. Raises OSError. Returns what was cut."""
    copy = aside.folder / store_folder.name / LOG_FOLDER
    if (store_folder / LOG_FOLDER).is_dir():
        shutil.copytree(store_folder / LOG_FOLDER, copy)
    else:
        copy.mkdir(parents=True)
    fsync_path(copy.parent)
    forget_seal(store_folder)
    if state.missing or (state.damaged is not None and state.damaged.suffix == ".rdb"):
        shutil.rmtree(
            store_folder / LOG_FOLDER, ignore_errors=True
        )  # nothing can be read without its beginning
        return say("log-begun-anew", folder=copy)
    lost_bytes = cut(state, store_folder)
    return say("log-was-cut", lost_bytes=lost_bytes, folder=copy)


def tell_unknown_jobs(store: RepairStore, data_dir: Path, terminal: Terminal) -> None:
    """A store that was lost, or is older than the disk, is told of before anybody wonders where jobs are."""
    with suppress(StoreUnavailable):  # who needs it says so
        if unknown := unknown_jobs(store, data_dir):
            terminal.note(say("jobs-unknown-row", jobs=len(unknown)))
