"""The locks are whole: each holds what its direct packages need, and all agree on the versions."""

import ast
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from requirements.relock import LOCKS, relock

ROOT = Path(__file__).resolve().parent.parent
PINS = {path.stem: path.read_text(encoding="utf-8") for path in sorted((ROOT / "requirements").glob("*.txt"))}
# Folder → the locks its code may count on. shared/ runs in the API's image and in the worker's.
INSTALLED_FOR = [
    ("shared", ["api"]),
    ("shared", ["worker"]),
    ("services/api", ["api"]),
    ("services/worker", ["worker", "demo-model"]),
    ("services/cli", ["api", "worker", "cli", "demo-model"]),
    ("tests", ["api", "worker", "cli", "demo-model", "dev"]),
]


def packages_of(lock: str) -> dict[str, str]:
    """Pins of a lock: name → everything after it."""
    lines = [line for line in PINS[lock].splitlines() if line and not line.startswith("#")]
    return {canonicalize_name(line.partition("==")[0]): line.partition("==")[2] for line in lines}


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.stem)
def test_a_lock_holds_all_that_its_direct_packages_need(path: Path) -> None:
    assert PINS[path.stem] == relock(PINS[path.stem])


def test_no_package_is_pinned_to_two_versions() -> None:
    pins = {(name, version) for lock in PINS for name, version in packages_of(lock).items()}
    assert len(pins) == len({name for name, _ in pins})


def test_locks_name_no_address_and_no_cuda_package() -> None:
    for lock, text in PINS.items():
        assert "://" not in text
        assert not [name for name in packages_of(lock) if name.startswith(("nvidia-c", "triton", "cuda"))]


def test_the_api_s_lock_has_no_torch() -> None:
    assert not {"torch", "transformers", "peft", "bitsandbytes", "accelerate"} & set(packages_of("api"))


@pytest.mark.parametrize(("folder", "locks"), INSTALLED_FOR)
def test_every_import_is_in_the_lock_of_its_part(folder: str, locks: list[str]) -> None:
    provided_by = packages_distributions()
    pinned = {name for lock in locks for name in packages_of(lock)}
    missing = {
        f"{file.relative_to(ROOT)}: {module}"
        for file in (ROOT / folder).rglob("*.py")
        for module in third_party_imports(file)
        if not {canonicalize_name(package) for package in provided_by.get(module, [module])} & pinned
    }
    assert not missing


def third_party_imports(file: Path) -> set[str]:
    """Top-level names that `file` imports anywhere and that are neither ours nor Python's."""
    names = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names.add(node.module.partition(".")[0])
    return (
        names
        - sys.stdlib_module_names
        - {"bench", "services", "shared", "tests", "requirements", "_typeshed"}
    )
