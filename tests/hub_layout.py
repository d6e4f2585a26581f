"""A Hugging Face cache laid out by hand, as huggingface_hub describes it."""

import hashlib
import shutil
from pathlib import Path

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def lay_out_model(model: Path, name: str, cache: Path) -> Path:
    """Put the files of `model` into the cache folder `cache` as the hub's `name`; returns the snapshot."""
    repository = cache / f"models--{name.replace('/', '--')}"
    snapshot, references = repository / "snapshots" / COMMIT, repository / "refs"
    for folder in (snapshot, references, repository / "blobs"):
        folder.mkdir(parents=True)
    (references / "main").write_text(COMMIT)
    for file in model.iterdir():
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        shutil.copyfile(file, repository / "blobs" / digest)
        (snapshot / file.name).symlink_to(f"../../blobs/{digest}")
    return snapshot
