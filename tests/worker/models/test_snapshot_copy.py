"""A snapshot copied by two workers at once, which share the cache it is copied into."""

import hashlib
import threading
from pathlib import Path

from services.worker.models.hub.snapshot_copy import import_snapshot
from services.worker.running_job import JsonValue, NoJob
from tests.hub_layout import lay_out_model
from tests.tiny_models import make_tiny_llama

MODEL = "someone/tiny"


class Second(NoJob):
    def __init__(self) -> None:
        self.waits = threading.Event()

    def progress(self, stage: str, **fields: JsonValue) -> None:
        if stage.startswith("waiting"):
            self.waits.set()


class First(NoJob):
    """Lets the second begin in the middle of the first's copy."""

    def __init__(self, second: threading.Thread, job: Second) -> None:
        self.second, self.job = second, job
        self.second_waited = False

    def progress(self, stage: str, **fields: JsonValue) -> None:
        if stage == "importing" and self.second.ident is None:
            self.second.start()
            self.second_waited = self.job.waits.wait(60)


def test_a_second_import_waits_for_the_first_and_finds_it_made(tmp_path: Path) -> None:
    snapshot = lay_out_model(make_tiny_llama(tmp_path / "original"), MODEL, tmp_path / "theirs")
    made: list[Path] = []

    def copy(job: NoJob) -> None:
        made.append(import_snapshot(snapshot, MODEL, tmp_path / "ours", job))

    second = Second()
    thread = threading.Thread(target=copy, args=(second,))
    first = First(thread, second)
    copy(first)
    thread.join()
    assert first.second_waited
    assert made[0] == made[1]
    for file in snapshot.iterdir():
        assert (made[0] / file.name).resolve().parent == tmp_path / "ours" / "models--someone--tiny" / "blobs"
        assert hashlib.sha256((made[0] / file.name).read_bytes()).hexdigest() == file.readlink().name
