"""What an image copies out of the repository is enough to start what runs in it. Needs no engine."""

import os
import re
import shutil
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
IMAGES = {
    "services/api/Dockerfile": ("services.api.asgi", "services.cli.__main__"),
    "Dockerfile.gpu": ("services.worker.process.main", "services.worker.models.files.artifact"),
}
IMPORT = "import importlib, sys; [importlib.import_module(name) for name in sys.argv[1:]]"


def sources(dockerfile: str) -> list[str]:
    """What the COPY lines take from the repository."""
    lines = re.findall(r"^COPY (?!--)(.+)$", (ROOT / dockerfile).read_text(encoding="utf-8"), re.MULTILINE)
    return [source for line in lines for source in line.split()[:-1]]


def let_through(path: str) -> bool:
    """Whether .dockerignore, which begins with refusing all, lets a path into the build."""
    allowed = re.findall(r"^!(.+)$", (ROOT / ".dockerignore").read_text(encoding="utf-8"), re.MULTILINE)
    return any(fnmatch(path, pattern) or path.startswith(f"{pattern}/") for pattern in allowed)


@pytest.mark.parametrize("dockerfile", IMAGES)
def test_an_image_copies_only_what_the_build_is_given(dockerfile: str) -> None:
    assert len(sources(dockerfile)) > 3
    assert [source for source in sources(dockerfile) if not let_through(source)] == []


@pytest.mark.parametrize("dockerfile", IMAGES)
def test_an_image_takes_no_package_but_torch_without_its_hash(dockerfile: str) -> None:
    text = (ROOT / dockerfile).read_text(encoding="utf-8").replace("\\\n", " ")
    runs = re.findall(r"pip install .+", text)
    locks = [re.findall(r"requirements/([\w-]+)\.txt", run) for run in runs]
    assert all(locks)
    for run, files in zip(runs, locks, strict=True):
        assert files == ["torch"] or "--require-hashes --no-deps" in run
        assert files == ["torch"] or "torch" not in files


@pytest.mark.parametrize("dockerfile", IMAGES)
def test_what_an_image_copies_is_all_that_its_program_reads_to_start(dockerfile: str, tmp_path: Path) -> None:
    app = tmp_path / "app"
    for source in sources(dockerfile):
        place = app / source
        place.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / source).is_dir():
            shutil.copytree(ROOT / source, place, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(ROOT / source, place)
    done = subprocess.run(
        [sys.executable, "-c", IMPORT, *IMAGES[dockerfile]],
        cwd=app,
        env=os.environ
        | {
            "PYTHONPATH": str(app),
            "TUNEDOCK_DATA_DIR": str(tmp_path / "data"),
            "TUNEDOCK_STORE_URL": "redis://127.0.0.1:1/0",
        },
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
