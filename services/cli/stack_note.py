"""The note by which other commands find the stack, and what a full disk does to it."""

import shutil
import time

from services.cli.stack_state import StackState, write_state
from services.cli.terminal import Terminal
from shared.messages.message import Message, say
from shared.messages.render import told
from shared.settings import Settings

AGAIN_SECONDS = 5.0


class StackNote:
    """A full disk takes no note: it is told, and `is_due` says when to try again."""

    def __init__(self, settings: Settings, terminal: Terminal) -> None:
        self._settings, self._terminal = settings, terminal
        self._again_at = 0.0
        self._trouble: OSError | None = None

    @property
    def is_due(self) -> bool:
        return self._trouble is not None and time.monotonic() >= self._again_at

    def write(self, state: StackState) -> bool:
        """Whether the disk takes notes again after it did not. Never raises for the disk. The trouble is then
        told once more: at first the log may have been on the full disk, too.
        """
        had_trouble = self._trouble is not None
        try:
            write_state(self._settings.data_dir, state)
        except OSError as error:
            if self._trouble is None:
                for news in (disk_trouble(self._settings, error), say("all-goes-on-with-room")):
                    self._terminal.note(told(news))
            self._trouble, self._again_at = error, time.monotonic() + AGAIN_SECONDS
        else:
            if self._trouble is not None:
                self._terminal.note(_disk_was_in_trouble(self._settings, self._trouble))
            self._trouble = None
        return had_trouble and self._trouble is None


def disk_trouble(settings: Settings, error: OSError) -> Message:
    """Why the data folder takes nothing, with what is free there and what is needed."""
    return say(
        "data-folder-takes-nothing",
        folder=str(settings.data_dir),
        error=error.strerror or str(error),
        free_bytes=shutil.disk_usage(settings.data_dir).free,
        needed_bytes=settings.min_free_bytes,
    )


def _disk_was_in_trouble(settings: Settings, error: OSError) -> Message:
    """The same, told when it is over."""
    return say(
        "data-folder-takes-again",
        folder=str(settings.data_dir),
        error=error.strerror or str(error),
        needed_bytes=settings.min_free_bytes,
    )
