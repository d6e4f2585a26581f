"""Each remedy interrupted at random moments: killed, or with its disk filled up. Nothing half is ever left.

TUNEDOCK_INTERRUPTIONS=50 tries that many moments of each instead of 3; `-s` prints the figures.
"""

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from shared.cache_choice import read_choice
from shared.settings import Settings
from tests.hub_layout import COMMIT, lay_out_model
from tests.small_disk import MIB, fill_up, may_mount, resize, small_disk
from tests.tiny_models import make_tiny_llama
from tests.worker.models.interruptions import RemedyProcesses, State, interrupt, remedy_processes

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]
MODEL, ENTRY = "someone/tiny", "models--someone--tiny"


def hashes(folder: Path) -> dict[str, str]:
    """Of a folder's files, by name; links followed."""
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.iterdir())
        if path.is_file() and path.name != "manifest.json"
    }


class Move:
    """The cache of a model in four shards, to a storage that is empty."""

    needs, order = "move", f"move {MODEL} ssd"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.own, self.ssd = folder / "hf" / "hub", folder / "ssd"
        self.ssd.mkdir()
        self.settings = Settings(data_dir=folder / "data")
        self.environment = {
            "HF_HOME": str(folder / "hf"),
            "HF_HUB_OFFLINE": "1",
            "TUNEDOCK_DATA_DIR": str(folder / "data"),
            "TUNEDOCK_STORAGES": f"ssd={self.ssd}",
        }
        original = make_tiny_llama(folder / "original", hidden_size=512, layers=3, shards=4)
        lay_out_model(original, MODEL, self.own)
        self.whole = hashes(self.own / ENTRY / "snapshots" / COMMIT)

    def reset(self) -> None:
        shutil.rmtree(self.settings.data_dir, ignore_errors=True)
        shutil.rmtree(self.ssd / "hub", ignore_errors=True)

    def state(self, processes: RemedyProcesses) -> State:
        choice = read_choice(self.settings)
        folder = Path(processes.do(f"find {MODEL}")["answer"]["folder"])
        assert hashes(folder) == self.whole
        assert hashes(self.own / ENTRY / "snapshots" / COMMIT) == self.whole
        if choice is None:
            assert folder.is_relative_to(self.own)
            return "old"
        assert folder.is_relative_to(self.ssd)
        assert (self.ssd / "hub" / ENTRY / "refs" / "main").read_text() == COMMIT
        assert {path.name for path in (self.ssd / "hub").rglob(".*")} == {".locks", ".importing.lock"}
        return "new"


class Prepared:
    """A copy of a model that the worker makes in its data folder."""

    needs: str
    form: Any
    answer: Mapping[str, object]

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.models = folder / "data" / "models"
        self.source = make_tiny_llama(folder / "tiny", form=self.form, hidden_size=512, layers=4, shards=2)
        self.order = f"{self.needs} {self.source}"
        self.environment = {"TUNEDOCK_DATA_DIR": str(folder / "data"), "TMPDIR": str(folder)}
        self.whole: dict[str, str] = {}

    def reset(self) -> None:
        for path in self.models.iterdir() if self.models.is_dir() else []:
            shutil.rmtree(path) if path.is_dir() else path.unlink()

    def state(self, processes: RemedyProcesses) -> State:
        if not (made := [*self.models.glob("[!.]*")]):
            return "old"
        (folder,) = made
        self.whole = self.whole or hashes(folder)  # of the first, undisturbed try
        assert hashes(folder) == self.whole
        described = json.loads((folder / "manifest.json").read_text())["files"]
        assert {name: file["sha256"] for name, file in described.items()} == self.whole
        ended = processes.do(self.order)
        assert ended["answer"].items() >= self.answer.items()
        assert not {"artifact_rejected", "artifact_saved"} & {*ended["codes"]}
        assert not [path for path in self.models.glob(".*") if path.is_dir()]
        return "new"


class Conversion(Prepared):
    """Pickles to safetensors, in the sandbox's process."""

    needs, form, answer = "convert", "bin", {}


class Quantizing(Prepared):
    """The nf4 copy that the first load makes."""

    needs, form, answer = "quantize", "safetensors", {"from_artifact": True}


Kind = type[Move | Conversion | Quantizing]
Ready = Callable[[Kind], tuple[Move | Conversion | Quantizing, RemedyProcesses]]


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ready]:
    """A remedy and the program of its processes: their model and imports cost more than some tries."""
    made: dict[Kind, tuple[Move | Conversion | Quantizing, RemedyProcesses]] = {}
    with ExitStack() as stack:

        def make(kind: Kind) -> tuple[Move | Conversion | Quantizing, RemedyProcesses]:
            if kind not in made:
                remedy = kind(tmp_path_factory.mktemp("remedy"))
                processes = stack.enter_context(remedy_processes(remedy.needs, remedy.environment))
                made[kind] = remedy, processes
            return made[kind]

        yield make


@pytest.mark.parametrize("kind", [Move, Conversion, Quantizing])
def test_a_killed_remedy_leaves_the_old_state_or_the_new_and_the_rerun_finishes(
    ready: Ready, kind: Kind
) -> None:
    remedy, processes = ready(kind)
    figures = interrupt(remedy, processes, RemedyProcesses.kill)
    print(f"\nkilled {remedy.needs}: {figures}")
    assert figures.struck


@pytest.mark.parametrize(
    ("kind", "disk", "size_bytes", "since", "says"),
    [
        (Move, "ssd", 112 * MIB, "importing", "disk_full"),
        (Conversion, "data/models", 112 * MIB, "hashing", "disk_full"),
        (Quantizing, "data/models", 288 * MIB, "saving the quantized model", "artifact_skipped"),
    ],
)
def test_a_disk_that_fills_up_leaves_the_old_state_or_the_new_and_the_rerun_finishes(
    ready: Ready,
    need: Callable[[bool, str], None],
    kind: Kind,
    disk: str,
    size_bytes: int,
    since: str,
    says: str,
) -> None:
    """The disk is large enough at first, and at that moment it no longer is."""
    need(may_mount(), "the right to mount a small disk")
    remedy, processes = ready(kind)
    folder = remedy.folder / disk
    with small_disk(folder, size_bytes):
        figures = interrupt(
            remedy,
            processes,
            lambda _: fill_up(folder),
            since=since,
            recover=lambda: resize(folder, size_bytes),
        )
    print(f"\nfilled up {remedy.needs}: {figures}")
    assert figures.said[says]
