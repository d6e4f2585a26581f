"""The embedded store under a supervisor: its folder is there at each start, its log sealed, a loss told."""

import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from services.cli.process import SupervisedProcess
from services.cli.store import EmbeddedStore
from services.cli.store_check import require_whole_log, tell_unknown_jobs, what_is_wrong
from services.cli.store_log import log_state, seal_log
from services.cli.terminal import Terminal
from shared.messages.message import say
from shared.repair_store import RepairStore

SEAL_SECONDS = 10.0


@dataclass
class StoreWatch:
    """What the supervisor does for its store, beside keeping it running."""

    store: EmbeddedStore
    data_dir: Path
    terminal: Terminal
    _seal_at: float = 0.0
    _restarts_seen: int = 0
    _has_started: bool = False

    @property
    def folder(self) -> Path:
        return self.data_dir / "store"

    def require_whole_log(self) -> None:
        """Before the first start. Raises `CommandFailed` and OSError."""
        require_whole_log(self.folder, self.terminal)

    def before_start(self) -> None:
        """Lay out a folder that was lost, and say what a log lacks when it is read again. Raises OSError."""
        self.store.lay_out()
        if self._has_started:
            state = log_state(self.folder)
            for damage in what_is_wrong(state):
                self.terminal.note(damage)
            if not state.is_whole:
                self.terminal.note(say("stop-and-repair"))

    def answers(self) -> bool:
        """Whether it takes commands; what it has lost is told once it does."""
        if not self.store.answers():
            return False
        self._has_started = True
        self.seal()
        tell_unknown_jobs(RepairStore.connect(self.store.access.url), self.data_dir, self.terminal)
        return True

    def tick(self, process: SupervisedProcess) -> None:
        """Look after a store that has been started again, and seal what it wrote."""
        if process.restarts != self._restarts_seen:
            if process.pid and self.answers():
                self._restarts_seen = process.restarts
        elif time.monotonic() >= self._seal_at:
            self.seal()

    def seal(self) -> None:
        """What is sealed and changes later is found at the next start. A full disk takes no seal."""
        self._seal_at = time.monotonic() + SEAL_SECONDS
        with suppress(OSError):
            seal_log(self.folder)
