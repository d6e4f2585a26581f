"""Seconds a shard, as a progress bar over checkpoint shards shows them."""

from dataclasses import dataclass

from shared.messages.message import say
from shared.messages.render import told
from shared.reports.load import LoadReport

_BLOCKS = "█" * 5


@dataclass(frozen=True)
class ShardBar:
    name: str
    seconds: float
    """A shard."""
    line: str


def shard_bars(report: LoadReport) -> tuple[ShardBar, ...]:
    """Of the load, and of one as fast as the storage allows; neither where it is not known."""
    summary = report.summary
    if summary.shards < 1:
        return ()
    at_limit = None if summary.limit_seconds is None else summary.limit_seconds / summary.shards
    return tuple(
        ShardBar(told(name), seconds, shard_line(summary.shards, seconds))
        for name, seconds in (
            (say("this-load-label"), summary.shard_seconds),
            (say("at-the-limit-label"), at_limit),
        )
        if seconds is not None and seconds > 0
    )


def shard_line(shards: int, seconds: float) -> str:
    """`100%|█████| 2/2 [01:03<00:00, 31.96s/it]`, as tqdm writes it."""
    pace = f"{seconds:.2f}s/it" if seconds > 1 else f"{1 / seconds:.2f}it/s"
    return f"100%|{_BLOCKS}| {shards}/{shards} [{_clock(shards * seconds)}<00:00, {pace}]"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes:02d}:{rest:02d}"
