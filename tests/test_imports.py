"""What starts without torch: the API, the worker's main process and the command."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
HEAVY = ("torch", "transformers", "peft", "bitsandbytes", "accelerate")
SLOW = ("pydantic", "fluent", "babel", "pyarrow")  # longer to import than most data sets to read
TELL = f"""
import importlib, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
print(*sorted(set({HEAVY + SLOW!r}) & set(sys.modules)))
"""


@pytest.mark.parametrize(
    "modules",
    [
        ["services.api.asgi"],
        [
            "services.worker.__main__",
            "services.worker.process.main",
            "services.worker.process.janitor",
            "services.worker.process.sweeper",
        ],
        ["services.worker.diagnosis.checks"],
        ["services.cli.__main__"],
    ],
    ids=lambda modules: modules[0],
)
def test_it_starts_without_torch(modules: list[str], tmp_path: Path) -> None:
    assert not set(loaded_after_import(modules, tmp_path)) & set(HEAVY)


def test_the_sandboxed_reader_of_data_sets_starts_without_what_only_its_caller_needs(tmp_path: Path) -> None:
    assert loaded_after_import(["shared.datasets.normalise"], tmp_path) == []


def test_torch_would_be_noticed(tmp_path: Path) -> None:
    assert "torch" in loaded_after_import(["torch"], tmp_path)


def loaded_after_import(modules: list[str], data_folder: Path) -> list[str]:
    """Which of `HEAVY` and `SLOW` a fresh interpreter has loaded once `modules` are imported."""
    done = subprocess.run(
        [sys.executable, "-c", TELL, *modules],
        cwd=ROOT,
        env=os.environ
        | {
            "PYTHONPATH": str(ROOT),
            "TUNEDOCK_DATA_DIR": str(data_folder),
            "TUNEDOCK_STORE_URL": "redis://127.0.0.1:1/0",
        },
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_bitsandbytes_comes_from_one_place_that_lets_it_fetch_no_code() -> None:
    own = "services/worker/models/quantized/own_kernels.py"
    importers = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "services").rglob("*.py")
        if any(name.split(".")[0] == "bitsandbytes" for name in imported_names(path.read_text()))
    }
    assert importers == {own}
    ask = "import services.worker.process.runner, sys; print('kernels' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", ask], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout, done.stderr) == (0, "False\n", "")


def test_reports_know_pydantic_and_their_base_and_nothing_else() -> None:
    """So that whatever reads or writes one may import it, in any process."""
    known = (
        "collections.abc", "datetime", "textwrap", "typing", "pydantic",
        "shared.schemas", "shared.reports", "shared.messages", "shared.units",
    )  # fmt: skip
    strangers = {
        f"{path.name}: {name}"
        for path in (ROOT / "shared/reports").glob("*.py")
        for name in imported_names(path.read_text())
        if not name.startswith(known)
    }
    assert strangers == set()


def imported_names(source: str) -> list[str]:
    """Modules that a file imports, anywhere in it."""
    found = list(ast.walk(ast.parse(source)))
    plain = [alias.name for node in found if isinstance(node, ast.Import) for alias in node.names]
    return plain + [node.module or "." for node in found if isinstance(node, ast.ImportFrom)]
