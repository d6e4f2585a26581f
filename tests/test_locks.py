"""The locks are whole: each holds what its direct packages need, and all agree on the versions."""

import ast
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from requirements.relock import (
    LEFT_TO_TORCH,
    LOCKS,
    MACHINE,
    NoHashes,
    closure,
    hashes_in,
    relock,
    words,
)

ROOT = Path(__file__).resolve().parent.parent
PINS = {path.stem: path.read_text(encoding="utf-8") for path in sorted((ROOT / "requirements").glob("*.txt"))}
# Folder → the locks its code may count on. shared/ runs in the API's image and in the worker's.
INSTALLED_FOR = [
    ("shared", ["api"]),
    ("shared", ["worker"]),
    ("services/api", ["api"]),
    ("services/worker", ["worker", "torch", "demo-model"]),
    ("services/cli", ["api", "worker", "torch", "cli", "demo-model"]),
    ("tests", ["api", "worker", "torch", "cli", "demo-model", "dev"]),
]
# What is installed where one lock is installed, which names no package twice for it.
WITH = {"worker": ["torch"]}
MACHINES = [
    MACHINE | {"python_version": python, "python_full_version": f"{python}.9"} | system
    for python in ("3.11", "3.12", "3.13", "3.14")
    for system in (
        {},
        {"platform_machine": "aarch64"},
        {"sys_platform": "darwin", "platform_system": "Darwin", "platform_machine": "arm64"},
    )
]


def packages_of(lock: str) -> dict[str, str]:
    """Pins of a lock: name → everything after it."""
    lines = [line for line in PINS[lock].splitlines() if line and not line.startswith(("#", " "))]
    pins = [line.removesuffix(" \\") for line in lines]
    return {canonicalize_name(pin.partition("==")[0]): pin.partition("==")[2] for pin in pins}


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.stem)
def test_a_lock_holds_all_that_its_direct_packages_need(path: Path) -> None:
    text = PINS[path.stem]
    assert text == relock(text, hashes_in(text))


@pytest.mark.parametrize("lock", ["api", "worker", "cli", "dev"])
def test_a_lock_holds_what_any_supported_machine_needs(lock: str) -> None:
    """Each is installed as it is: pip asks no package what else it needs."""
    pinned = {name for one in (lock, *WITH.get(lock, [])) for name in packages_of(one)}
    direct = words(PINS[lock].splitlines(), "direct")
    for machine in MACHINES:
        assert set(closure(direct, machine)) <= pinned, machine


def test_every_pin_but_torch_has_the_hashes_of_its_files() -> None:
    for lock, text in PINS.items():
        pins = {f"{name}=={version.partition(';')[0]}" for name, version in packages_of(lock).items()}
        assert set(hashes_in(text)) == (set() if lock == "torch" else pins)


def test_all_that_torch_needs_beside_its_cuda_packages_has_hashes() -> None:
    assert set(closure(["torch"])) - {"torch"} <= set(packages_of("worker"))


def test_a_new_pin_without_hashes_is_not_written() -> None:
    with pytest.raises(NoHashes, match="six=="):
        relock("# only: six\n", {})


def test_no_package_is_pinned_to_two_versions() -> None:
    pins = {(name, version) for lock in PINS for name, version in packages_of(lock).items()}
    assert len(pins) == len({name for name, _ in pins})


def test_locks_name_no_address_and_no_cuda_package() -> None:
    for lock, text in PINS.items():
        assert "://" not in text
        left = {name for name in packages_of(lock) if name.startswith(LEFT_TO_TORCH)}
        assert left <= set(words(text.splitlines(), "direct"))


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
