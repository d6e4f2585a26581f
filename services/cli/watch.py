"""Follows a job until it ends: its events as lines, its progress as a bar."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from rich.progress import Progress as Bar
from rich.progress import SpinnerColumn, TextColumn
from rich.table import Column

from services.cli.client import Client
from services.cli.failure import RequestRefused, ServerUnreachable
from services.cli.patience import Patience
from services.cli.progress_line import Part, bar, cells_of, fitted
from services.cli.sparkline import sparkline
from services.cli.terminal import PLAIN_LINE_SECONDS, Terminal
from shared.job_progress import counted, stage_of
from shared.jobs import TERMINAL
from shared.messages.message import Message, say
from shared.messages.render import told as in_words
from shared.schemas.records import JobEvent, JobRecord, Progress
from shared.visible import visible

POLL_SECONDS = 1.0
PATIENCE_SECONDS = 300.0


class ProgressView(Protocol):
    """Something that shows how far a job is."""

    def show(self, record: JobRecord, losses: Sequence[float] = ()) -> None: ...


def watch(
    client: Client,
    job_id: str,
    terminal: Terminal,
    *,
    poll_seconds: float = POLL_SECONDS,
    patience_seconds: float = PATIENCE_SECONDS,
    words: Callable[[str], str] = str,
    told: set[str] | None = None,
) -> JobRecord:
    """Show a job's life until it ends and return its last record; an API that restarts is waited for.

    `words` says a message's fields as the command calls them. Warnings in `told` are not said again, and
    those of this job are added to it: jobs on the same rows share them. Raises `ServerUnreachable` when the
    API stays silent for `patience_seconds`.
    """
    seen: str | None = None
    losses: dict[int, float] = {}
    earlier = frozenset(told or ())
    patience = Patience(terminal, patience_seconds)
    with progress_view(terminal) as view:
        while True:
            try:
                record = client.job(job_id)
                events = client.events_since(job_id, seen)  # after the record: an ended job's are complete
                if any(event.level == "error" for event in events):
                    record = client.job(job_id)  # it may have failed between the two answers
            except (ServerUnreachable, RequestRefused) as error:
                patience.spend(error)
                time.sleep(poll_seconds)
                continue
            patience.renew()
            losses |= _losses(events)
            for event in events:
                if event.type == "message" and not _is_told_otherwise(event, record, earlier):
                    terminal.note(words(event_text(event, verbose=terminal.verbose)))
            if told is not None:
                told.update(event.message for event in events if event.level == "warn")
            if not any(event.type == "message" for event in events):
                # Else it may be older than what was told; the next one is not.
                view.show(record, list(losses.values()))
            seen = events[-1].id if events else seen
            if record.status in TERMINAL:
                return record
            time.sleep(poll_seconds)


def _losses(events: Sequence[JobEvent]) -> dict[int, float]:
    """The loss of each step that the events tell; a step that was done again counts with its last one."""
    steps = [event.data for event in events if event.type == "metrics"]
    known = [data for data in steps if data.get("train_loss") is not None]
    return {int(data["step"]): float(data["train_loss"]) for data in known}


def _is_told_otherwise(event: JobEvent, record: JobRecord, earlier: frozenset[str]) -> bool:
    """A warning that was told before, or the failure, which whoever watches is told with its remedy."""
    if event.level == "error":
        return record.error is not None and event.message == record.error.message
    return event.level == "warn" and event.message in earlier


def event_text(event: JobEvent, *, verbose: bool) -> str:
    """One event as a line, and with `verbose` a line below it for each of its details."""
    details = event.data.get("details") if verbose else None
    return "\n".join([_event_line(event), *(f"  {detail}" for detail in details or () if detail)])


def _event_line(event: JobEvent) -> str:
    """Local time, level unless it is ordinary, words."""
    clock = time.strftime("%H:%M:%S", time.localtime(event.created_at))
    level = "" if event.level == "info" else f"{in_words(say('event-level-row', level=event.level))}: "
    return f"{clock} {level}{event.message}"


def progress_text(record: JobRecord) -> str:
    """The numbers of a job that runs or waits, those that are known."""
    if record.status in TERMINAL:
        return ""
    works = record.status not in ("queued", "paused")
    return ", ".join(in_words(part) for part in _numbers(record.progress, works=works).values())


def _numbers(now: Progress, *, works: bool) -> dict[str, Message]:
    """By name, those that are known; where it `works`, also how fast."""
    found: dict[str, Message] = {}
    if (done := _done(now)) is not None:
        found["done"] = done
    if now.loss is not None:
        found["loss"] = say("loss-now-row", loss=f"{now.loss:.4f}")
    if works and now.step_seconds is not None:
        found["step_seconds"] = say("step-time-row", time=f"{now.step_seconds:.2f}")
    if works and now.tokens_per_second is not None:
        found["tokens_per_second"] = say("tokens-rate-row", tokens=f"{now.tokens_per_second:.0f}")
    if works and now.eta_seconds is not None:
        found["eta"] = say("time-left-row", time=duration_text(now.eta_seconds))
    return found


def done_of_total(progress: Progress) -> tuple[float, float | None]:
    """How much of a stage is done, in what it counts; the total is None if unknown."""
    found = counted(progress)
    return (0, None) if found is None else (found.done, found.total)


def _done(progress: Progress) -> Message | None:
    found = counted(progress)
    if found is None:
        return None
    done, total = found.done, found.total
    match found.unit:
        case "steps":
            return say("steps-done-row", step=str(done), steps=str(total)) if total else None
        case "rows":
            whole = say("rows-of-total-row", rows=str(done), total=str(total))
            return whole if total else say("rows-done-row", rows=done)
        case "bytes":
            megabytes = f"{done / 1e6:.0f}"
            if total is None:
                return say("megabytes-done-row", done=megabytes)
            return say("megabytes-of-total-row", done=megabytes, total=f"{total / 1e6:.0f}")


def stage_text(record: JobRecord) -> str:
    """What the job does now; of one that waits, what it waits for."""
    return in_words(_queued(record) if record.status == "queued" else stage_of(record))


def _queued(record: JobRecord) -> Message:
    queued = say("job-status-row", status="queued")
    if record.queue_position:
        queued = say("queued-at-row", place=str(record.queue_position))
    elif record.waits_for:
        queued = say("queued-after-row", jobs=record.waits_for)
    before = begun_before(record)
    return say("begun-before-row", now=queued, before=before) if before else queued


def begun_before(record: JobRecord) -> Message | None:
    """How often the job's work was paused, and interrupted because its worker ended; None if never."""
    paused = say("paused-before-row", pauses=record.pauses) if record.pauses else None
    interruptions = record.interruptions
    cut = say("interrupted-before-row", interruptions=interruptions) if interruptions else None
    return (
        say("paused-and-interrupted-row", paused=paused, interrupted=cut) if paused and cut else paused or cut
    )


def duration_text(seconds: float) -> str:
    """Seconds as ``42 s``, ``3 min 20 s`` or ``2 h 5 min``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


@contextmanager
def progress_view(terminal: Terminal) -> Iterator[ProgressView]:
    """A bar on a terminal, plain lines elsewhere."""
    if not terminal.is_live:
        yield PlainProgress(terminal)
        return
    line = TextColumn("{task.fields[line]}", markup=False, table_column=Column(no_wrap=True))
    with Bar(SpinnerColumn(), line, console=terminal.progress, transient=True) as shown:
        yield BarProgress(shown)


SPINNER_CELLS = 2
# Cells of the curve and of the bar, and whether tokens a second are told: the first that has room is taken.
LAYOUTS = (
    (24, 24, True),
    (24, 24, False),
    (24, 12, False),
    (24, 0, False),
    (16, 0, False),
    (8, 0, False),
    (0, 0, False),
)


class BarProgress:
    """A line with a bar and the curve of the losses, as far as the terminal is wide enough."""

    def __init__(self, shown: Bar) -> None:
        self._shown = shown
        self._task = shown.add_task("", total=None, line="")

    def show(self, record: JobRecord, losses: Sequence[float] = ()) -> None:
        console = self._shown.console
        plain = not console.encoding.lower().startswith("utf")
        line = progress_line(record, losses, cells=console.width - SPINNER_CELLS, is_plain=plain)
        self._shown.update(self._task, line=line)


def progress_line(record: JobRecord, losses: Sequence[float], *, cells: int, is_plain: bool = False) -> str:
    """Stage, bar, numbers and curve on at most so many cells; the place and the time left go last."""
    numbers = {} if record.status in TERMINAL else _numbers_by_name(record)
    rate = numbers.pop("tokens_per_second", "")
    curves = losses if "loss" in numbers and not is_plain else ()
    parts: list[Part] = []
    for curve_cells, bar_cells, has_rate in LAYOUTS:
        parts = [
            Part(visible(stage_text(record)), 0),
            Part(bar(*done_of_total(record.progress), bar_cells, is_plain=is_plain), 5),
            Part(numbers.get("done", ""), 1),
            Part(numbers.get("loss", ""), 3),
            Part(sparkline(curves, curve_cells), 5),
            Part(numbers.get("step_seconds", ""), 4),
            Part(rate if has_rate else "", 5),
            Part(numbers.get("eta", ""), 2),
        ]
        if cells_of(parts) <= cells:
            break
    return fitted(parts, cells)


def _numbers_by_name(record: JobRecord) -> dict[str, str]:
    works = record.status not in ("queued", "paused")
    return {name: visible(in_words(said)) for name, said in _numbers(record.progress, works=works).items()}


class PlainProgress:
    """A line when the stage changes, and now and then while the numbers do."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._stage = ""
        self._text = ""
        self._said_at = 0.0

    def show(self, record: JobRecord, losses: Sequence[float] = ()) -> None:
        if record.status in TERMINAL:
            return  # the last event says so
        stage, numbers = stage_text(record), progress_text(record)
        text = f"{stage}: {numbers}" if numbers else stage
        rested = time.monotonic() - self._said_at >= PLAIN_LINE_SECONDS
        if stage != self._stage or (rested and text != self._text):
            self._stage, self._text, self._said_at = stage, text, time.monotonic()
            self._terminal.note(text)
