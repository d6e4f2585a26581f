"""One training explained in a process of its own, with rows, counters or a card that have a cause in them."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import torch

from services.worker.explaining.explain import explain
from services.worker.explaining.report import make_report
from services.worker.machine.card import CardState
from services.worker.machine.card_watch import CardLook, CardWatch
from services.worker.machine.machine_watch import MachineWatch
from services.worker.running_job import JsonValue, NoJob
from services.worker.text.marked_text import TokenRow
from services.worker.text.row_counts import RowCounts
from services.worker.text.rows import TokenRows
from shared.training_settings.settings import TrainingSettings
from tests.worker.apart import Order
from tests.worker.training.tiny_bases import load

PAGES_FETCHED = 50_000
MEGABYTE = 10**6


@dataclass(frozen=True)
class Rows:
    """Of a made-up data set: how many, their tokens, and how long each takes to be read, in seconds."""

    rows: int = 60
    tokens: int = 128
    sleep: float = 0.0

    def made(self) -> list[TokenRow]:
        draw = np.random.default_rng(0)
        kind = TokenRow if not self.sleep else slow_row(self.sleep)
        made = []
        for _ in range(self.rows):
            targets = np.zeros(self.tokens, np.bool_)
            targets[-8:] = True
            made.append(kind(draw.integers(5, 250, self.tokens).astype(np.int32), targets))
        return made


def slow_row(seconds: float) -> type[TokenRow]:
    """Rows whose tokens come from somewhere slow whenever they are asked for."""

    class SlowRow(TokenRow):
        def __getattribute__(self, name: str) -> Any:
            if name == "ids":
                time.sleep(seconds)
            return super().__getattribute__(name)

        def __len__(self) -> int:
            return len(self.targets)

        def cut(self, tokens: int) -> TokenRow:
            return self if tokens >= len(self) else super().cut(tokens)

    return SlowRow


class _Swaps(NoJob):
    """While arms are tried the kernel's counter of pages that were fetched from swap grows."""

    def __init__(self, root: Path) -> None:
        self._file, self._pages = root / "proc/vmstat", count(0, PAGES_FETCHED)
        self._file.parent.mkdir(parents=True)
        self._write()

    def progress(self, stage: str, **fields: JsonValue) -> None:
        self._write()

    def _write(self) -> None:
        self._file.write_text(f"pswpin {next(self._pages)}\n")


def _throttled() -> Iterator[CardLook]:
    """It starts at its full clock and grows hot."""
    for megahertz, celsius in ((1500, 60), (1450, 75), *((700, 88) for _ in range(1000))):
        reasons = ("thermal",) if megahertz < 1000 else ()
        state = _state(clock_hertz=megahertz * 1e6, temperature_celsius=celsius, reasons=reasons)
        yield CardLook(state, reserved_bytes=2500 * MEGABYTE)


def _spilled() -> Iterator[CardLook]:
    """The allocator holds more than is used of the card, from the second look on."""
    yield CardLook(_state(used_bytes=5000 * MEGABYTE), reserved_bytes=4500 * MEGABYTE)
    while True:
        yield CardLook(_state(used_bytes=5900 * MEGABYTE), reserved_bytes=7500 * MEGABYTE)


def _state(**changes: Any) -> CardState:
    fields: dict[str, Any] = {
        "clock_hertz": 1500e6, "power_watts": 60.0, "power_limit_watts": 70.0,
        "temperature_celsius": 65.0, "memory_bytes": 6000 * MEGABYTE, "used_bytes": 3000 * MEGABYTE,
        "reasons": (),
    }  # fmt: skip
    return CardState(**fields | changes)


_CARDS: dict[str, Callable[[], Iterator[CardLook]]] = {"throttled": _throttled, "spilled": _spilled}


def explained(order: Order) -> dict[str, Any]:
    """The report of the order's training. `request`: `settings`; `minutes`; `model`; `rows` (fields of
    `Rows`); `card` (a name of `_CARDS`); `swaps`.
    """
    place, request, report = Path(order.place), order.request, NoJob()
    base = load(place / "models" / request.get("model", "tiny"), "nf4")
    rows = Rows(**request.get("rows", {})).made()
    card = _CARDS[request["card"]]() if "card" in request else None
    root = Path("/")
    if request.get("swaps"):
        root = place / "recorded"
        report = _Swaps(root)
    watch = MachineWatch(
        torch.device("cpu"), root=root, card=CardWatch(lambda: next(card)) if card is not None else None
    )
    facts = explain(
        base,
        TokenRows(rows, RowCounts(seen=len(rows), used=len(rows), made=len(rows), answers=len(rows))),
        TrainingSettings(**request["settings"]),
        stages={},
        minutes=request["minutes"],
        job=report,
        watch=watch,
    )
    return dict(json.loads(make_report(facts, kind="training_diagnostic").model_dump_json()))
