"""The job that a draining worker could not hand back, since the store was away: kept for its next start."""

import json
import logging
from dataclasses import asdict
from pathlib import Path

from shared.durable import write_json_durably
from shared.job_records import Claim

logger = logging.getLogger(__name__)


class Handover:
    """A note on disk; the next process that owns the device hands the job back, which counts no crash."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def leave(self, claim: Claim) -> None:
        """Without the note the job is recovered all the same, as after a crash."""
        try:
            write_json_durably(self._path, asdict(claim))
        except OSError as error:
            logger.warning("could not write %s: %s", self._path, error)

    def left(self) -> Claim | None:
        try:
            return Claim(**json.loads(self._path.read_text()))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError) as error:
            logger.warning("could not read %s: %s", self._path, error)
            return None

    def clear(self) -> None:
        self._path.unlink(missing_ok=True)
