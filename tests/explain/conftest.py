"""What tests of the probe share: a tiny model, two Arrow folders, the reference script run in three ways."""

import random
from pathlib import Path

import pytest

from datasets import Dataset
from services.cli.explain.command import PROBE
from tests.explain.probed import HERE, Ended, run, run_probed
from tests.tiny_models import make_tiny_llama

WORDS = (
    "you",
    "won",
    "a",
    "prize",
    "call",
    "now",
    "see",
    "at",
    "seven",
    "coming",
    "home",
    "dinner",
    "late",
    "sorry",
)
STEPS = 3
BREAKS_ALL = f"""
import runpy, sys
sys.argv, after = sys.argv[1:], int(sys.argv[1])
space = runpy.run_path({str(PROBE)!r}, run_name="tunedock_probe")

def broken_before(probe, args, kwargs):
    raise RuntimeError("broken on purpose")
    yield

def broken_after(probe, args, kwargs):
    yield
    raise RuntimeError("broken on purpose")

for number, hook in enumerate(space["HOOKS"]):
    hook.around = broken_after if number % 2 == after else broken_before
space["main"]()
"""


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `model`, `data/train` and `data/validation`."""
    folder = tmp_path_factory.mktemp("explain")
    make_tiny_llama(folder / "model", hidden_size=64, layers=2, shards=2)
    pick = random.Random(0)
    for name, count in (("train", 16 * STEPS), ("validation", 8)):
        texts = [" ".join(pick.choices(WORDS, k=pick.randint(5, 25))) for _ in range(count)]
        Dataset.from_dict({"text": texts}).save_to_disk(folder / "data" / name)
    return folder


WORDS_OF_SCRIPT: list[str | Path] = [HERE / "reference_script.py", "model", "data", "out", str(STEPS)]


@pytest.fixture(scope="session")
def plain(place: Path) -> Ended:
    """The reference script without the probe."""
    return run(WORDS_OF_SCRIPT, place)


@pytest.fixture(scope="session")
def explained(place: Path) -> Ended:
    """The reference script under the probe."""
    return run_probed(WORDS_OF_SCRIPT, place)


@pytest.fixture(scope="session", params=["0", "1"])
def broken(request: pytest.FixtureRequest, place: Path) -> Ended:
    """The script where every hook fails, half before the function and half after it; then the others."""
    (place / "break_all.py").write_text(BREAKS_ALL, encoding="utf-8")
    return run(["break_all.py", request.param, "--json", place / "report.json", *WORDS_OF_SCRIPT], place)
