"""The report of an uploaded file's rows that was made last: asked for again, nothing is read again.

It lies beside the file, with the rows that were checked for jobs, and goes with it.
"""

import hashlib
import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from services.api.checked_rows import FOLDER, reader
from shared.durable import write_durably
from shared.reports.data import DataReport
from shared.schemas.frozen import Frozen


class _Kept(Frozen):
    asked: str
    report: DataReport


class KeptReport:
    """Of one way to read one file, and the file that it is validated on."""

    def __init__(self, content: Path, asked: Sequence[Any]) -> None:
        """`content` is the uploaded file; `asked` is JSON and names all files by their hashes."""
        self._path = content.parent / FOLDER / "data-report.json"
        self._asked = hashlib.sha256(json.dumps([*asked, reader()], sort_keys=True).encode()).hexdigest()

    def give(self) -> DataReport | None:
        """None where it was never made, or for another way to read the file."""
        try:
            kept = _Kept.model_validate_json(self._path.read_bytes())
        except (OSError, ValidationError):
            return None
        return kept.report if kept.asked == self._asked else None

    def keep(self, report: DataReport) -> None:
        """Where the disk can't, the file is read again the next time."""
        with suppress(OSError):
            self._path.parent.mkdir(exist_ok=True)
            kept = _Kept(asked=self._asked, report=report)
            write_durably(self._path, kept.model_dump_json().encode())
