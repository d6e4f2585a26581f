"""Rows of an uploaded file that were read once: its next jobs are given the same ones; nothing is read again.

They lie beside the file, a folder for each way to read it, and go with it. A job gets them by a hard link, so
they are never changed in place, and take their room once however many jobs there are.
"""

import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from shared import datasets
from shared.schemas.datasets import DatasetSummary
from shared.schemas.frozen import Frozen

FOLDER = "checked"  # in the upload's own
MOST_WAYS = 4  # of one file: formats, columns


class _Kept(Frozen):
    """`bytes` and `changed_ns` of the rows as they were written: what was touched since is not given."""

    summary: DatasetSummary
    bytes: int
    changed_ns: int


class CheckedRows:
    """Those of one way to read one file."""

    def __init__(self, content: Path, sha256: str, way: Mapping[str, Any]) -> None:
        """`content` is the uploaded file, `sha256` its hash when it came; `way` is JSON."""
        stat = content.stat()
        asked = [sha256, stat.st_size, stat.st_mtime_ns, dict(way), reader()]
        key = hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()
        self._all = content.parent / FOLDER
        self._folder = self._all / key[:32]

    def give(self, destination: Path) -> DatasetSummary | None:
        """Give the rows the name `destination`, which is not brought to disk yet; None where they are to be
        read.
        """
        try:
            kept = _Kept.model_validate_json((self._folder / "summary.json").read_bytes())
            rows = self._folder / "rows.jsonl"
            if _state(rows) != (kept.bytes, kept.changed_ns):
                return None
            os.link(rows, destination)
        except (OSError, ValueError):
            return None
        return kept.summary

    def keep(self, rows: Path, summary: DatasetSummary) -> None:
        """Keep what was read just now; where the disk can't, it is read again for the next job."""
        draft = self._all / f".{secrets.token_hex(8)}"
        try:
            draft.mkdir(parents=True)
            os.link(rows, draft / "rows.jsonl")
            size_bytes, changed_ns = _state(rows)
            kept = _Kept(summary=summary, bytes=size_bytes, changed_ns=changed_ns)
            (draft / "summary.json").write_text(kept.model_dump_json(), encoding="utf-8")
            self._make_room()
            draft.rename(self._folder)
        except OSError:  # no hard links, no room, or another submit kept them first
            shutil.rmtree(draft, ignore_errors=True)

    def _make_room(self) -> None:
        """Drop what lies here under this name, which can't be given, and the oldest of too many ways."""
        shutil.rmtree(self._folder, ignore_errors=True)
        others = sorted(self._all.glob("[0-9a-f]*"), key=_changed_at)
        for folder in others[: max(0, len(others) - MOST_WAYS + 1)]:
            shutil.rmtree(folder, ignore_errors=True)


def _state(path: Path) -> tuple[int, int]:
    stat = path.stat()
    return stat.st_size, stat.st_mtime_ns


def _changed_at(path: Path) -> float:
    with suppress(OSError):
        return path.stat().st_mtime
    return 0.0


@cache
def reader() -> str:
    """What reads rows: another version of it may find other things in them."""
    digest = hashlib.sha256(version("pyarrow").encode())
    for path in sorted(Path(datasets.__file__).parent.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()
