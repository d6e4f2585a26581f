"""How set-up shows that it moves: one live line on a terminal, a plain line for each step elsewhere."""

import shutil
import time
from typing import TextIO


class Progress:
    """Writes to `stream` (stderr: a command's own output must stay clean for machines)."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._live = stream.isatty()
        self._text = ""
        self._step_started = time.monotonic()

    def stage(self, text: str) -> None:
        """Begin something that is worth a line of its own."""
        self._clear()
        self._say(text)
        self._text = ""
        self._step_started = time.monotonic()

    def step(self, text: str) -> None:
        """Within a stage: replaces the live line."""
        self._text = text
        self._step_started = time.monotonic()
        if self._live:
            self.tick()
        else:
            self._say(f"  {text}")

    def tick(self) -> None:
        """Call about twice a second while waiting; the running seconds show that something moves."""
        if self._live and self._text:
            seconds = time.monotonic() - self._step_started
            width = shutil.get_terminal_size().columns - 1
            line = f"  {self._text}" + (f" · {seconds:.0f} s" if seconds >= 2 else "")
            self._stream.write(f"\r\x1b[K{line[:width]}")
            self._stream.flush()

    def end(self) -> None:
        self._clear()

    def _clear(self) -> None:
        if self._live:
            self._stream.write("\r\x1b[K")
            self._stream.flush()

    def _say(self, text: str) -> None:
        self._stream.write(f"{text}\n")
        self._stream.flush()
