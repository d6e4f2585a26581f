"""`restore`: what a backup holds becomes the installation, once all of it was checked; nothing is mixed."""

import argparse
import json
import os
import secrets
import shutil
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from services.cli.failure import CommandFailed
from services.cli.options import Commands, add_command
from services.cli.stack_state import own_folder, running_stack
from services.cli.store import prepare_store
from services.cli.store_alone import embedded_store
from services.cli.store_log import seal_log
from services.cli.terminal import Terminal
from shared.backup.archive import DATA, STORE, BackupUnusable, check_backup, unpack
from shared.backup.contents import FILES, KEY, MODELS, PARTS, SECRET
from shared.durable import fsync_path, write_durably
from shared.errors import StoreUnavailable
from shared.job_folder import JOBS
from shared.messages.message import say, stored
from shared.private_files import keep_private
from shared.repair.aside import Aside
from shared.repair.examine import examine, mend
from shared.repair.scene import Scene
from shared.repair_store import RepairStore
from shared.settings import Settings

STDIN = "-"
STORE_FOLDER = "store"
UNDER_WAY = "restore-under-way"  # in the data folder: it is neither what it was nor what it is to be
SPEAKS_SECONDS = 20.0  # a worker that lives speaks more often
ROOM_BYTES = 64 * 1024**2


def add_commands(commands: Commands) -> None:
    restore = add_command(commands, "restore", say("help-restore-row"))
    restore.add_argument("file", metavar="FILE", help=stored(say("help-restore-file-row")))
    restore.add_argument("--replace", action="store_true", help=stored(say("help-replace-row")))
    restore.set_defaults(run=run_restore)


def run_restore(arguments: argparse.Namespace, settings: Settings, terminal: Terminal) -> int:
    data_dir = settings.data_dir
    if stack := running_stack(data_dir):
        raise CommandFailed(say("restore-while-running", address=stack.url), say("restore-stop-first"))
    with own_folder(data_dir, terminal.note) as lock:
        keep_private(data_dir, terminal.note)
        remove_leftovers(data_dir)
        draft = data_dir / f".restore-{secrets.token_hex(6)}"
        draft.mkdir(mode=0o700)
        try:
            restoration = Restoration(settings, terminal, Aside.now(data_dir), draft, lock)
            return restoration.run(arguments.file, replace=arguments.replace)
        except BackupUnusable as unusable:
            raise CommandFailed(unusable.said) from unusable
        except StoreUnavailable as refusal:
            raise CommandFailed(refusal.said) from refusal
        finally:
            shutil.rmtree(draft, ignore_errors=True)


def require_no_restore_under_way(data_dir: Path) -> None:
    """Raises `CommandFailed` for a data folder that a restore has changed in part."""
    if (data_dir / UNDER_WAY).exists():
        raise CommandFailed(say("restore-was-interrupted", folder=data_dir), say("restore-again"))


def remove_leftovers(data_dir: Path) -> None:
    """What an interrupted restore had unpacked."""
    for folder in data_dir.glob(".restore-*"):
        shutil.rmtree(folder, ignore_errors=True)


@dataclass(frozen=True)
class Restoration:
    """One call of the command; `draft` is an empty folder on the data folder's disk, `lock` the folder's."""

    settings: Settings
    terminal: Terminal
    aside: Aside
    draft: Path
    lock: int

    @property
    def data_dir(self) -> Path:
        return self.settings.data_dir

    def run(self, name: str, *, replace: bool) -> int:
        file = self._received(name)
        self._require_free_place(replace)
        others = self._store_of_others()
        if others is not None:
            self._require_free_store(others, replace)
        manifest = self._checked(file)
        size = sum(entry["bytes"] for entry in manifest["files"].values())
        self._require_room(size)
        self._unpack(file, size)
        write_durably(self.data_dir / UNDER_WAY, b"")
        self._swap(is_embedded=others is None)
        mended = self._fill_embedded() if others is None else self._fill_others(others)
        fsync_path(self.data_dir)  # the names that changed, before the mark goes that tells of them
        (self.data_dir / UNDER_WAY).unlink()
        fsync_path(self.data_dir)
        self._tell(manifest, mended)
        return 0

    def _received(self, name: str) -> Path:
        if name == STDIN:
            path = self.draft / "backup.tar"
            with path.open("wb") as spooled:
                shutil.copyfileobj(sys.stdin.buffer, spooled)
            return path
        try:
            with Path(name).open("rb"):
                return Path(name)
        except OSError as error:
            raise CommandFailed(
                say("restore-file-missing", file=name, error=error.strerror or str(error))
            ) from error

    def _checked(self, file: Path) -> dict[str, Any]:
        with self.terminal.transfer(say("restore-reads-row"), file.stat().st_size) as bar:
            return check_backup(file, bar.advance)

    def _require_free_place(self, replace: bool) -> None:
        jobs, files = (sum(1 for _ in (self.data_dir / part).glob("*-*/")) for part in (JOBS, FILES))
        if (jobs or files) and not replace:
            raise CommandFailed(
                say("restore-over-data", folder=self.data_dir, jobs=jobs, files=files),
                say("restore-replace", folder=self.aside.folder.parent),
            )

    def _require_free_store(self, store: RepairStore, replace: bool) -> None:
        speaking = [worker.beat_seconds_ago for worker in store.workers()]
        if speaking and min(speaking) < SPEAKS_SECONDS:
            seconds = str(round(min(speaking)))
            raise CommandFailed(say("restore-worker-speaks", seconds=seconds), say("restore-stop-worker"))
        jobs = len(store.ids_of("job"))
        if jobs and not replace:
            raise CommandFailed(
                say("restore-over-store", jobs=jobs),
                say("restore-replace-store", folder=self.aside.folder.parent),
            )

    def _require_room(self, size: int) -> None:
        free = shutil.disk_usage(self.data_dir).free
        if free < size + ROOM_BYTES:
            raise CommandFailed(
                say(
                    "restore-without-room",
                    folder=self.data_dir,
                    free_bytes=free,
                    needed_bytes=size + ROOM_BYTES,
                ),
            )

    def _unpack(self, file: Path, size: int) -> None:
        try:
            with self.terminal.transfer(say("restore-writes-row"), size) as bar:
                unpack(file, self.draft / "new", bar.advance)
            os.sync()
        except OSError as error:
            raise CommandFailed(say("restore-failed", error=error.strerror or str(error))) from error

    def _swap(self, *, is_embedded: bool) -> None:
        """What is there goes aside, what was unpacked takes its place; a rename each."""
        new = self.draft / "new" / DATA
        for part in (*PARTS, *([STORE_FOLDER] if is_embedded else [])):
            has_new = (new / part).exists()
            if (self.data_dir / part).exists() and (has_new or part not in (KEY, SECRET, MODELS)):
                self.aside.move(self.data_dir / part)
            if has_new:
                (new / part).rename(self.data_dir / part)

    def _store_of_others(self) -> RepairStore | None:
        """The store that the settings name; None where it is the embedded one."""
        url = self.settings.store_address
        return None if url is None else RepairStore.connect(url)

    def _fill_others(self, store: RepairStore) -> int:
        if entries := list(store.snapshot()):
            self.aside.keep_entries(entries)
        store.clear()
        return self._fill(store)

    def _fill_embedded(self) -> int:
        with embedded_store(prepare_store(self.data_dir), self.data_dir, self.lock) as access:
            mended = self._fill(RepairStore.connect(access.url))
        seal_log(self.data_dir / STORE_FOLDER)
        return mended

    def _fill(self, store: RepairStore) -> int:
        """Load the records. Nobody has a job then, and the next attempt's number is above the disk's."""
        with (self.draft / "new" / STORE).open(encoding="utf-8") as lines:
            store.load(json.loads(line) for line in lines)
        ids = sorted(store.ids_of("job"))
        store.in_wrong_lists(ids, mend=True)
        scene = Scene(store, self.data_dir, self.aside, is_running=False)
        return sum(outcome.mended is True for outcome in mend(examine(scene)))

    def _tell(self, manifest: dict[str, Any], mended: int) -> None:
        aside = str(self.aside.folder) if self.aside.is_used else None
        made_at = datetime.fromtimestamp(manifest["made_at"], UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        self.terminal.emit(
            {
                "jobs": manifest["jobs"],
                "made_at": manifest["made_at"],
                "put_right": mended,
                "set_aside": aside,
            }
        )
        self.terminal.say(say("restore-is-done", jobs=manifest["jobs"], made_at=made_at))
        if mended:
            self.terminal.say(say("restore-put-right-row", count=mended))
        if aside:
            self.terminal.say(say("repair-aside-row", folder=aside))
