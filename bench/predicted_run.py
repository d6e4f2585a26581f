"""One job of `bench predictions` in a process of its own, by the function that a worker's child calls.

`python -m bench.predicted_run FOLDER`: the data folder, with the job in it as the API writes it; prints the
record's result as JSON.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

from services.worker.process.environment import set_environment
from services.worker.process.journal import Journal
from services.worker.running_job import NoJob
from shared.job_folder import JobFolder
from shared.job_records import Claim, WorkerEvent
from shared.messages.message import Message, stored
from shared.settings import Settings

JOB = "ftjob-000000000000000000000000"


class JournaledJob(NoJob):
    """Tells the job's journal alone: there is no store."""

    def __init__(self, path: Path) -> None:
        self._journal, self._count = Journal(path), 0

    def event(self, message: Message, **details: Any) -> None:
        self._count += 1
        self._journal.append(
            WorkerEvent(
                self._count,
                details.get("level", "info"),
                details.get("type", "message"),
                stored(message),
                dict(details.get("data") or {}),
                time.time(),
            )
        )

    def checkpoint(self, step: int) -> None:
        self._journal.sync()


def settings_of(folder: Path) -> Settings:
    """Of a service whose data and models lie in `folder`."""
    return Settings(data_dir=folder, models_dir=folder / "folders", host_hf_cache=None)


def run(folder: Path) -> dict[str, Any]:
    from services.worker.machine.device import find_device
    from services.worker.models.residency import Residency
    from services.worker.process import work

    settings, job = settings_of(folder), JobFolder.of(folder, JOB)
    request = json.loads(job.spec.read_text())["request"]
    claim = Claim(JOB, 1, "fine_tuning", request, time.time())
    residency = Residency(find_device(settings.device), folder / "models")
    return work.do(claim, settings, residency, JournaledJob(job.attempt(1).journal))


if __name__ == "__main__":
    set_environment()
    print(json.dumps(run(Path(sys.argv[1]))))
