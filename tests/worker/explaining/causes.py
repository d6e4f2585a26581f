"""Causes of slow steps, each really made and explained; the right finding must come first.

`python -m tests.worker.explaining.causes [WORD …]` prints the table cause × finding of this machine.
A throttled card, a spill and swap are made by injected counters.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from shared.messages.render import in_english
from shared.reports.finding import Finding
from shared.reports.training import TrainingReport
from tests.tiny_models import make_tiny_llama
from tests.worker.apart import Apart, Order, apart
from tests.worker.diagnosis.workshop import NotHere, limited

Maker = Callable[[Path], AbstractContextManager[Order]]
# What this machine itself is doing at the moment is no matter of a cause that is about something else.
OF_THE_MACHINE = {"busy-processor", "processor-limit", "swapping"}
_LIMIT = 0.2  # processors
_FASTER = 1.3
FEW_ARMS = (0.02, 0.1, 0.4)
ALL_ARMS = (0.1, 0.4, 1.0)
"""Minutes for trials, one try after another: on a busy machine the first is too short for all arms."""
_GOOD = {
    "per_device_train_batch_size": 4,
    "gradient_accumulation_steps": 2,
    "max_seq_length": 128,
    "padding": "longest",
    "gradient_checkpointing": False,
    "dataloader_num_workers": 0,
    "optim": "adamw_torch",
    "save_strategy": "no",
    "num_train_epochs": 30,
}
"""Settings with nothing to be mended, for rows of 128 tokens."""


@dataclass(frozen=True)
class Cause:
    """`finding` is the id that must come first; None: nothing graver than an info. `says` is in its text."""

    name: str
    finding: str | None
    make: Maker
    says: str = ""
    minutes: Sequence[float] = FEW_ARMS


def settings(*, rows: dict[str, Any] | None = None, **changes: Any) -> Maker:
    """A cause that lies in the settings or in the rows."""

    @contextmanager
    def make(place: Path) -> Iterator[Order]:
        yield order(place, rows=rows or {}, settings={**_GOOD, **changes})

    return make


def order(place: Path, *, groups: tuple[str, ...] = (), **request: Any) -> Order:
    return Order("explain", {"settings": _GOOD, **request}, str(place), groups=groups)


@contextmanager
def wide_products(place: Path) -> Iterator[Order]:
    took = {dtype: _product_seconds(dtype) for dtype in (torch.float32, torch.bfloat16)}
    if took[torch.float32] < _FASTER * took[torch.bfloat16]:
        raise NotHere("this processor multiplies bfloat16 hardly faster than float32")
    yield order(place, settings={**_GOOD, "bnb_4bit_compute_dtype": "float32"})


def _product_seconds(dtype: torch.dtype) -> float:
    """Of the processor, the best of a few tries."""
    factor, took = torch.ones(512, 512, dtype=dtype), []
    for _ in range(5):
        started = time.process_time()
        factor @ factor
        took.append(time.process_time() - started)
    return min(took)


@contextmanager
def large_vocabulary(place: Path) -> Iterator[Order]:
    folder = place / "models" / "wide"
    if not folder.exists():
        make_tiny_llama(folder, dtype=torch.bfloat16, vocab_size=20_000)
    yield order(place, model="wide")


@contextmanager
def few_processors(place: Path) -> Iterator[Order]:
    quota = int(100_000 * _LIMIT)
    with limited("cpu", cpu__cfs_period_us=100_000, cpu__cfs_quota_us=quota) as group:
        yield order(place, groups=(group,))


@contextmanager
def busy_neighbours(place: Path) -> Iterator[Order]:
    """Another program for every processor, which only computes."""
    with ExitStack() as running:
        for _ in range(os.cpu_count() or 1):
            program = running.enter_context(subprocess.Popen([sys.executable, "-c", "while True: pass"]))
            running.callback(program.kill)
        yield order(place)


@contextmanager
def swaps(place: Path) -> Iterator[Order]:
    yield order(place, swaps=True)


@contextmanager
def throttled_card(place: Path) -> Iterator[Order]:
    yield order(place, card="throttled")


@contextmanager
def spilled_card(place: Path) -> Iterator[Order]:
    yield order(place, card="spilled")


CAUSES = (
    Cause("healthy settings", None, settings(), minutes=ALL_ARMS),
    Cause(
        "padding",
        "padding",
        settings(rows={"tokens": 24}, padding="max_length", gradient_checkpointing=True),
        "81% of the computed tokens",
    ),
    Cause(
        "recomputation",
        "recomputation",
        settings(gradient_checkpointing=True),
        "every layer twice",
        ALL_ARMS,
    ),
    Cause(
        "products in float32",
        "fp32-compute",
        wide_products,
        "in float32",
        ALL_ARMS,
    ),
    Cause("a loader that sleeps", "slow-loading", settings(rows={"sleep": 0.02}), "dataloader_num_workers"),
    Cause(
        "evaluation at every step",
        "frequent-validation",
        settings(rows={"rows": 600}, eval_strategy="steps", eval_steps=1),
        "eval_steps",
    ),
    Cause(
        "saving at every step",
        "frequent-saving",
        settings(
            rows={"tokens": 8},
            per_device_train_batch_size=2,
            gradient_accumulation_steps=1,
            num_train_epochs=500,
            save_strategy="steps",
            save_steps=1,
            lora={"r": 256, "alpha": 16},
        ),
        "save_steps",
    ),
    Cause(
        "a short row at a time",
        "host-bound",
        settings(rows={"tokens": 8}, per_device_train_batch_size=1, gradient_accumulation_steps=8),
        "per_device_train_batch_size",
        ALL_ARMS,
    ),
    Cause("a large vocabulary", "head", large_vocabulary, "are learned"),
    Cause("too few processors", "processor-limit", few_processors, "0.2 processors"),
    Cause("another process that takes the processor", "busy-processor", busy_neighbours, "Other programs"),
    Cause("swap", "swapping", swaps, "swap"),
    Cause("a throttled card", "throttled-card", throttled_card, "from 1,500 to 700 MHz"),
    Cause("a spill", "spill", spilled_card, "1.60 GB"),
)


def make_model(place: Path) -> Path:
    """Large enough for its layers to take the time of a step."""
    make_tiny_llama(place / "models" / "tiny", dtype=torch.bfloat16, hidden_size=256, layers=2)
    return place


def findings_of(cause: Cause, report: TrainingReport) -> list[Finding]:
    """Ranked, without what the machine is doing meanwhile."""
    return [found for found in report.findings if found.id == cause.finding or found.id not in OF_THE_MACHINE]


def fault_of(cause: Cause, findings: Sequence[Finding]) -> str | None:
    """What is wrong with the answer; None where the right finding comes first."""
    alarms = [found.id for found in findings if found.severity != "info"]
    if cause.finding is None:
        return f"alarms without a cause: {alarms}" if alarms else None
    if not findings or findings[0].id != cause.finding:
        return f"the first finding is {findings[0].id if findings else 'none'}"
    if findings[0].severity == "info":
        return "it is no warning"
    found = findings[0]
    said = (found.title, *found.evidence, *(remedy.action for remedy in found.remedies))
    return None if any(cause.says in in_english(text) for text in said) else f"it does not say {cause.says!r}"


def report_of(cause: Cause, place: Path, process: Apart, *, tries: int = 0) -> tuple[TrainingReport, float]:
    """Make the cause and explain the training; also the seconds that it took. `tries` were in vain before.

    Raises NotHere where this machine can't have the cause.
    """
    with cause.make(place) as made:
        request = {**made.request, "minutes": cause.minutes[tries]}
        outcome = process.run(replace(made, request=request))
    assert outcome.value is not None, outcome.error or outcome.failure or f"exit code {outcome.died}"
    return TrainingReport.model_validate(outcome.value), outcome.seconds


def main(words: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.worker.explaining.causes", description=__doc__)
    parser.add_argument("words", nargs="*", metavar="WORD", help="only causes whose names contain one")
    arguments = parser.parse_args(words)
    words = arguments.words
    chosen = [cause for cause in CAUSES if not words or any(word in cause.name for word in words)]
    faults = 0
    print("| cause | first finding | other findings | saves of a step | took |")
    print("| --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory(prefix="causes-") as folder, apart() as process:
        place = make_model(Path(folder))
        for cause in chosen:
            row, fault = _row(cause, place, process)
            print(f"| {' | '.join(row)} |", flush=True)
            faults += fault
    return 1 if faults else 0


def found_after_tries(
    cause: Cause, place: Path, process: Apart
) -> tuple[list[Finding], TrainingReport, float, str | None]:
    """What the first try says whose answer is right, or the last: findings, report, seconds, fault."""
    for tries in range(len(cause.minutes)):
        report, seconds = report_of(cause, place, process, tries=tries)
        findings = findings_of(cause, report)
        fault = fault_of(cause, findings)
        if fault is None or tries == len(cause.minutes) - 1:
            return findings, report, seconds, fault
    raise AssertionError("there is no try")


def _row(cause: Cause, place: Path, process: Apart) -> tuple[tuple[str, ...], bool]:
    try:
        findings, report, seconds, fault = found_after_tries(cause, place, process)
    except NotHere as reason:
        return (cause.name, f"not made here: {reason}", "", "", ""), False
    first = f"{findings[0].id} ({findings[0].severity})" if findings else "none"
    others = ", ".join(f"{one.id} ({one.severity})" for one in report.findings if one not in findings[:1])
    saves = findings[0].saves_seconds if findings else None
    share = "" if saves is None else f"{saves / report.facts.whole_step_seconds:.0%}"
    mark = f" WRONG: {fault}" if fault else ""
    return (cause.name, first + mark, others, share, f"{seconds:.1f} s"), bool(fault)


if __name__ == "__main__":
    sys.exit(main())
