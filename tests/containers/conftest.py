"""One installation in containers for all tests; where there is no engine they skip, in CI they fail."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.containers.installation import Installation, engine_answers, installation
from tests.stack import TINY_MODEL
from tests.tiny_models import make_tiny_llama

LARGER_MODEL = "larger-llama"  # large enough for the disk of its quantized copy to be measured
HUB_MODEL, COMMIT = "someone/tiny", "c" * 40


@pytest.fixture(scope="session")
def installed(
    tmp_path_factory: pytest.TempPathFactory, need: Callable[[bool, str], None]
) -> Iterator[Installation]:
    """Built, not yet up."""
    need(engine_answers(), "a container engine with compose")
    folder = tmp_path_factory.mktemp("containers")
    model = make_tiny_llama(folder / "models" / TINY_MODEL)
    make_tiny_llama(folder / "models" / LARGER_MODEL, hidden_size=768)
    make_hub_cache(folder / "host-hf-cache", model)
    (folder / "datasets").mkdir()
    rows = [
        {"text": f"{'win a prize' if number % 2 else 'see you at'} {number}", "label": "ab"[number % 2]}
        for number in range(60)
    ]
    (folder / "datasets" / "messages.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    open_to_all(folder)
    with installation(folder, TUNEDOCK_HOST_HF_CACHE=str(folder / "host-hf-cache")) as project:
        yield project


@pytest.fixture(scope="session")
def up(installed: Installation) -> Installation:
    """Up and ready."""
    seconds = installed.up()
    print(f"up and healthy after {seconds:.1f} s")
    return installed


def make_hub_cache(folder: Path, model: Path) -> None:
    """A Hugging Face cache that holds `model` as someone/tiny."""
    repository = folder / "hub" / "models--someone--tiny"
    snapshot = repository / "snapshots" / COMMIT
    snapshot.mkdir(parents=True)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(COMMIT)
    for file in model.iterdir():
        (snapshot / file.name).write_bytes(file.read_bytes())


def open_to_all(folder: Path) -> None:
    """The containers' user is not the one who runs the tests."""
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o777 if path.is_dir() else 0o666)
