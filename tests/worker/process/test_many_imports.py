"""Many imports without collections of garbage, in a process of their own: what is frozen stays frozen."""

import json
import subprocess
import sys

import pytest

from shared.settings import PROJECT_ROOT

TELL = """
import gc, json, sys
from services.worker.process.many_imports import many_imports
getattr(gc, sys.argv[1])()
begun = []
gc.callbacks.append(lambda phase, facts: begun.append(phase))
kept, frozen_before = [], gc.get_freeze_count()
try:
    with many_imports():
        kept += [[number] for number in range(100_000)]
        inside = len(begun)
        if sys.argv[2] == "fails":
            import no_such_module
except ImportError:
    pass
frozen = gc.get_freeze_count() - frozen_before
kept += [[number] for number in range(100_000)]
print(json.dumps([inside, frozen > 100_000, gc.isenabled(), len(begun) > 0]))
"""


@pytest.mark.parametrize("ends", ["well", "fails"])
@pytest.mark.parametrize("before", ["enable", "disable"])
def test_nothing_is_collected_inside_and_afterwards_all_is_as_before(before: str, ends: str) -> None:
    command = [sys.executable, "-c", TELL, before, ends]
    done = subprocess.run(command, cwd=PROJECT_ROOT, stdout=subprocess.PIPE, text=True, check=True)
    was_enabled = before == "enable"
    assert json.loads(done.stdout) == [0, True, was_enabled, was_enabled]
