"""What the user sees: results on stdout, progress on stderr, plain lines where there is no terminal."""

import json
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, SpinnerColumn, TextColumn, TransferSpeedColumn
from rich.table import Table

PLAIN_LINE_SECONDS = 10.0


class Waiting(Protocol):
    """A wait in progress; `update` replaces what it says."""

    def update(self, text: str) -> None: ...


class Terminal:
    """Where a command writes. With `as_json`, stdout carries nothing but JSON."""

    def __init__(self, *, as_json: bool = False) -> None:
        self.as_json = as_json
        self._results = Console(highlight=False, markup=False, soft_wrap=True, emoji=False)
        self.progress = Console(stderr=True, highlight=False, markup=False, soft_wrap=True, emoji=False)

    @property
    def is_live(self) -> bool:
        """True where a progress bar can be drawn."""
        return self.progress.is_terminal

    def say(self, text: str = "") -> None:
        """A line of the result, for people."""
        if not self.as_json:
            self._results.print(text)

    def emit(self, value: object) -> None:
        """A JSON document or, called repeatedly, lines of JSON; only with ``--json``."""
        if self.as_json:
            sys.stdout.write(json.dumps(value, ensure_ascii=False) + "\n")
            sys.stdout.flush()

    def note(self, text: str) -> None:
        """A line about progress; goes above a bar that is being drawn."""
        self.progress.print(text)

    def table(self, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """A table on a terminal; elsewhere one row a line with tabs between."""
        if self.as_json:
            return
        if not self._results.is_terminal:
            for row in [headings, *rows]:
                self._results.print("\t".join(row))
            return
        table = Table(*headings, box=None, pad_edge=False, header_style="bold")
        for row in rows:
            table.add_row(*row)
        self._results.print(table)

    @contextmanager
    def waiting(self, text: str) -> Iterator[Waiting]:
        """A spinner that says what is waited for; plain lines, one for each new text, elsewhere."""
        if self.is_live:
            with self.progress.status(text) as status:
                yield status
        else:
            yield PlainWaiting(self, text)

    @contextmanager
    def transfer(self, text: str, total_bytes: int | None) -> Iterator["Transfer"]:
        """A bar of bytes moved."""
        if not self.is_live:
            self.note(text)
            yield Transfer(None)
            return
        columns = [SpinnerColumn(), TextColumn("{task.description}", markup=False), BarColumn()]
        with Progress(*columns, DownloadColumn(), TransferSpeedColumn(), console=self.progress) as bar:
            bar.add_task(text, total=total_bytes)
            yield Transfer(bar)


class PlainWaiting:
    """A wait on something that is no terminal: a line when the text changes and some seconds have passed."""

    def __init__(self, terminal: Terminal, text: str) -> None:
        self._terminal = terminal
        self._said = text
        self._said_at = time.monotonic()
        terminal.note(text)

    def update(self, text: str) -> None:
        if text != self._said and time.monotonic() - self._said_at >= PLAIN_LINE_SECONDS:
            self._said, self._said_at = text, time.monotonic()
            self._terminal.note(text)


class Transfer:
    """Counts the bytes of one upload or download."""

    def __init__(self, bar: Progress | None) -> None:
        self._bar = bar

    def advance(self, count_bytes: int) -> None:
        if self._bar:
            self._bar.advance(self._bar.task_ids[0], count_bytes)
