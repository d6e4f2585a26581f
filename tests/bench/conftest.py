"""What tests of the benchmarks share."""

import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from services.cli.interrupts import STOP_SIGNALS


@dataclass(frozen=True)
class Done:
    """How a benchmark ended."""

    code: int
    stdout: str
    stderr: str


Run = Callable[..., Done]


@pytest.fixture
def run_here(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Run]:
    """``run_here(train.main, "--quick", …)``: in this process, since another takes seconds to import torch.

    What reacts to signals and outlives it is only seen in a process; those tests start one.
    """
    former = {number: signal.getsignal(number) for number in STOP_SIGNALS}

    def run(main: Callable[[], int], *words: str | Path) -> Done:
        monkeypatch.setattr(sys, "argv", ["bench", *map(str, words)])
        try:
            code = main()
        except SystemExit as exit_:  # of argparse
            code = int(exit_.code or 0)
        said = capsys.readouterr()
        return Done(code, said.out, said.err)

    yield run
    for number, reaction in former.items():
        signal.signal(number, reaction)
