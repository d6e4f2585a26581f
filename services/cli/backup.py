"""`backup`: the whole installation in one file, while its service runs."""

import argparse
import errno
import json
import os
import secrets
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from services.cli.failure import CommandFailed, UsageError
from services.cli.options import Commands, add_command
from services.cli.store_alone import ReachedStore, reached_store
from services.cli.store_check import require_whole_log
from services.cli.terminal import Terminal
from shared.backup.archive import DATA, STORE, BackupWriter
from shared.backup.contents import Choice, Size, chosen, size_of
from shared.durable import fsync_path
from shared.errors import StoreUnavailable
from shared.messages.message import say, stored
from shared.settings import Settings
from shared.sweep_hold import sweep_held
from shared.version import VERSION

STDOUT = "-"
ROOM_BYTES = 64 * 1024**2  # beyond what is copied: the store's records, and what is written meanwhile


@dataclass(frozen=True)
class Made:
    """What went into the file."""

    jobs: int
    size: Size
    gone_files: int


def add_commands(commands: Commands) -> None:
    backup = add_command(commands, "backup", say("help-backup-row"))
    backup.add_argument("file", metavar="FILE", help=stored(say("help-backup-file-row")))
    backup.add_argument(
        "--without-checkpoints", action="store_true", help=stored(say("help-no-checkpoints-row"))
    )
    backup.add_argument("--with-models", action="store_true", help=stored(say("help-with-models-row")))
    backup.set_defaults(run=run_backup)


def run_backup(arguments: argparse.Namespace, settings: Settings, terminal: Terminal) -> int:
    choice = Choice(checkpoints=not arguments.without_checkpoints, models=arguments.with_models)
    if not settings.data_dir.is_dir():
        raise CommandFailed(say("backup-of-nothing", folder=settings.data_dir))
    size = size_of(settings.data_dir, choice)
    try:
        with (
            reached_store(settings, terminal, lambda folder: require_whole_log(folder, terminal)) as reached,
            _target(arguments.file, size, terminal) as out,
            terminal.transfer(say("backup-writes-row"), size.size_bytes) as bar,
        ):
            made = write_backup(reached, settings.data_dir, choice, size, out, bar.advance)
    except StoreUnavailable as refusal:
        raise CommandFailed(refusal.said, say("backup-again")) from refusal
    _tell(arguments.file, made, terminal)
    return 0


def write_backup(
    reached: ReachedStore,
    data_dir: Path,
    choice: Choice,
    size: Size,
    out: IO[bytes],
    on_bytes: Any = lambda _: None,
) -> Made:
    """The store first, then the folders, which only grow: so no record names a file that the copy lacks.

    Raises StoreUnavailable and OSError.
    """
    writer = BackupWriter(out, on_bytes)
    jobs = gone = 0
    with sweep_held(data_dir):
        with tempfile.TemporaryFile() as spooled:
            for entry in reached.store.snapshot():
                jobs += entry["key"].startswith("tunedock:job:")
                spooled.write(json.dumps(entry).encode() + b"\n")
            writer.add_spooled(STORE, spooled)
        for path in chosen(data_dir, choice):
            if not writer.add_file(f"{DATA}/{path.relative_to(data_dir)}", path):
                gone += 1
    writer.finish(
        {
            "version": VERSION,
            "made_at": round(time.time(), 3),
            "jobs": jobs,
            "checkpoints": choice.checkpoints,
            "models": choice.models,
        }
    )
    return Made(jobs, size, gone)


@contextmanager
def _target(name: str, size: Size, terminal: Terminal) -> Iterator[IO[bytes]]:
    """Where the backup is written: a file that gets its name when it is whole, or the standard output."""
    if name == STDOUT:
        if sys.stdout.isatty() or terminal.as_json:
            raise UsageError(say("backup-to-terminal"), say("name-backup-file"))
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    path = Path(name).absolute()
    if path.exists():
        raise UsageError(say("backup-exists", file=path), say("name-backup-file"))
    _require_room(path, size)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}.partial")  # no other call writes to it
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if path.exists():  # made by another call meanwhile
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
        draft.rename(path)
        fsync_path(path.parent)
    except OSError as error:
        raise CommandFailed(
            say("backup-not-written", file=path, error=error.strerror or str(error))
        ) from error
    finally:
        draft.unlink(missing_ok=True)


def _require_room(path: Path, size: Size) -> None:
    try:
        free = shutil.disk_usage(path.parent).free
    except OSError as error:
        raise CommandFailed(
            say("backup-not-written", file=path, error=error.strerror or str(error))
        ) from error
    if free < size.size_bytes + ROOM_BYTES:
        raise CommandFailed(
            say(
                "backup-without-room",
                folder=path.parent,
                free_bytes=free,
                needed_bytes=size.size_bytes + ROOM_BYTES,
            ),
            say("backup-smaller"),
        )


def _tell(name: str, made: Made, terminal: Terminal) -> None:
    tell = terminal.note if name == STDOUT else terminal.say
    size = made.size
    terminal.emit(
        {
            "file": name,
            "jobs": made.jobs,
            "files": size.files - made.gone_files,
            "bytes": size.size_bytes,
            "left_out_bytes": {"models": size.models_bytes, "checkpoints": size.checkpoints_bytes},
        }
    )
    tell(say("backup-is-made", file=name, jobs=made.jobs, files=size.files, size_bytes=size.size_bytes))
    if size.models_bytes:
        tell(say("backup-without-models", models_bytes=size.models_bytes))
    if size.checkpoints_bytes:
        tell(say("backup-without-checkpoints", checkpoints_bytes=size.checkpoints_bytes))
    if made.gone_files:
        tell(say("backup-gone-files-row", files=made.gone_files))
    tell(say("backup-is-secret"))
