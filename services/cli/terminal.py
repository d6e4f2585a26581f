"""What the user sees: results on stdout, progress on stderr, plain lines where there is no terminal."""

import json
import re
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Protocol

from rich.console import Console
from rich.live import Live
from rich.progress import BarColumn, DownloadColumn, Progress, SpinnerColumn, TextColumn, TransferSpeedColumn
from rich.status import Status
from rich.text import Text

from services.cli.columns import fit
from shared.messages.message import Message, say
from shared.messages.render import told
from shared.visible import visible

PLAIN_LINE_SECONDS = 10.0
_NOT_FOR_TERMINALS = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff]")  # JSON itself escapes the others


class Waiting(Protocol):
    """A wait in progress; `update` replaces what it says."""

    def update(self, text: str | Message) -> None: ...


class Terminal:
    """Where a command writes. With `as_json`, stdout carries nothing but JSON. `verbose` tells details, too.

    What is said is shown in the reader's language, never obeyed: control characters are written as escapes.
    """

    def __init__(self, *, as_json: bool = False) -> None:
        self.as_json = as_json
        self.verbose = False
        self._results = Console(highlight=False, markup=False, soft_wrap=True, emoji=False)
        self.progress = Console(stderr=True, highlight=False, markup=False, soft_wrap=True, emoji=False)

    @property
    def is_live(self) -> bool:
        """True where a progress bar can be drawn."""
        return self.progress.is_terminal

    def say(self, text: str | Message = "") -> None:
        """A line of the result, for people."""
        if not self.as_json:
            self._results.print(visible(told(text)))

    def print_as_it_is(self, text: str) -> None:
        """A result for a program to read, which has no text of others in it."""
        if not self.as_json:
            sys.stdout.write(text)

    def emit(self, value: object) -> None:
        """A JSON document or, called repeatedly, lines of JSON; only with ``--json``."""
        if self.as_json:
            sys.stdout.write(json_text(value) + "\n")
            sys.stdout.flush()

    def note(self, text: str | Message) -> None:
        """A line about progress; goes above a bar that is being drawn."""
        self.progress.print(visible(told(text)))

    @property
    def width(self) -> int:
        """Columns of the terminal that results go to; 80 where there is none."""
        return self._results.width if self._results.is_terminal else 80

    def table_row(self, cells: Sequence[str]) -> None:
        """A row by itself, whole, with tabs between."""
        if not self.as_json:
            sys.stdout.write("\t".join(_clean_row(cells)) + "\n")  # rich would make spaces of tabs
            sys.stdout.flush()

    @contextmanager
    def redrawn(self) -> Iterator["Drawing"]:
        """Something on the terminal that results go to that is drawn again and again in its place."""
        if self.as_json or not self._results.is_terminal:
            yield Drawing(None)
            return
        with Live(console=self._results, auto_refresh=False, vertical_overflow="ellipsis") as live:
            yield Drawing(live)

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[str]], *, keep: Sequence[str]) -> None:
        """A table on a terminal, whose columns but the first give way in the order that `keep` ends with;
        elsewhere one row a line, whole, with tabs between. Columns are those of `column-label`."""
        if self.as_json:
            return
        clean, kept = _clean(columns, rows), _headings(keep)
        if not self._results.is_terminal:
            sys.stdout.writelines("\t".join(row) + "\n" for row in clean)  # rich would make spaces of tabs
            return
        for line in fit(clean, keep=kept, width=self.width):
            self._results.print(line)

    @contextmanager
    def waiting(self, text: str | Message) -> Iterator[Waiting]:
        """A spinner that says what is waited for; plain lines, one for each new text, elsewhere."""
        if self.is_live:
            with self.progress.status(visible(told(text))) as status:
                yield LiveWaiting(status)
        else:
            yield PlainWaiting(self, text)

    @contextmanager
    def transfer(self, text: str | Message, total_bytes: int | None) -> Iterator["Transfer"]:
        """A bar of bytes moved."""
        if not self.is_live:
            self.note(text)
            yield Transfer(None)
            return
        columns = [SpinnerColumn(), TextColumn("{task.description}", markup=False), BarColumn()]
        with Progress(*columns, DownloadColumn(), TransferSpeedColumn(), console=self.progress) as bar:
            bar.add_task(visible(told(text)), total=total_bytes)
            yield Transfer(bar)


class LastingTerminal(Terminal):
    """For who goes on though nobody can be told: the disk with its output is full, or nobody is there."""

    @classmethod
    def of(cls, terminal: Terminal) -> "LastingTerminal":
        lasting = cls(as_json=terminal.as_json)
        lasting.verbose = terminal.verbose
        return lasting

    def say(self, text: str | Message = "") -> None:
        with suppress(OSError):
            super().say(text)

    def emit(self, value: object) -> None:
        with suppress(OSError):
            super().emit(value)

    def note(self, text: str | Message) -> None:
        with suppress(OSError):
            super().note(text)


class Drawing:
    """A table that is drawn anew in its place; nothing where there is no terminal to draw on."""

    def __init__(self, live: Live | None) -> None:
        self._live = live

    @property
    def is_live(self) -> bool:
        return self._live is not None

    def table(
        self,
        columns: Sequence[str],
        rows: Sequence[Sequence[str]],
        *,
        keep: Sequence[str],
        note: Message | None = None,
    ) -> None:
        """As `Terminal.table`, with `note` below it."""
        if self._live is None:
            return
        lines = fit(_clean(columns, rows), keep=_headings(keep), width=self._live.console.width)
        lines += [visible(told(note))] if note else []
        self._live.update(Text("\n".join(lines), no_wrap=True), refresh=True)


def _clean(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[list[str]]:
    return [_clean_row(row) for row in [_headings(columns), *rows]]


def _clean_row(cells: Sequence[str]) -> list[str]:
    return [" ".join(visible(cell).split()) for cell in cells]


def _headings(columns: Sequence[str]) -> list[str]:
    return [told(say("column-label", column=column)) for column in columns]


def json_text(value: object) -> str:
    """`value` as one line of JSON that no terminal obeys."""
    text = json.dumps(value, ensure_ascii=False)
    return _NOT_FOR_TERMINALS.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


class LiveWaiting:
    """A spinner on a terminal."""

    def __init__(self, status: Status) -> None:
        self._status = status

    def update(self, text: str | Message) -> None:
        self._status.update(visible(told(text)))


class PlainWaiting:
    """A wait on something that is no terminal: a line when the text changes and some seconds have passed."""

    def __init__(self, terminal: Terminal, text: str | Message) -> None:
        self._terminal = terminal
        self._said = text
        self._said_at = time.monotonic()
        terminal.note(text)

    def update(self, text: str | Message) -> None:
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
