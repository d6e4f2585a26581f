"""What users ask for while the power is cut: uploads, submits, deletions, each answer written down."""

import hashlib
import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.chaos.specs import ROWS
from tests.chaos.world import World

OPEN_JOBS, KEPT_JOBS, KEPT_FILES = 3, 5, 3
PAUSE_SECONDS = 0.03
DRAWN = ("short", "middle", "validated", "short", "uploaded")


@dataclass(frozen=True)
class Doing:
    """A request without an answer yet: `what` is done to the job or file `target`, or submitted as `key`."""

    what: str
    target: str = ""
    key: str = ""
    file_id: str = ""


@dataclass(frozen=True)
class Known:
    """What the user had been told when the power went. `files` has the SHA-256 of each upload."""

    accepted: dict[str, str] = field(default_factory=dict)
    ended: dict[str, str] = field(default_factory=dict)
    deleted: frozenset[str] = frozenset()
    files: dict[str, str] = field(default_factory=dict)
    deleted_files: frozenset[str] = frozenset()
    keys: dict[str, str] = field(default_factory=dict)
    doing: Doing | None = None


class Traffic:
    """One user who never rests; a context manager."""

    def __init__(self, world: World, seed: int) -> None:
        self._world, self._chance = world, random.Random(seed)
        self._rows = (world.folder / "datasets" / ROWS).read_bytes()
        self._gate = threading.Lock()  # held while a request is begun, and while the power is cut
        self._files: dict[str, str] = {}
        self._deleted_files: set[str] = set()
        self._keys: dict[str, str] = {}
        self._count = 0
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._go_on)
        self.doing: Doing | None = None
        self.wish = ""  # what is done next, if it can be
        self.failure: Exception | None = None

    def __enter__(self) -> "Traffic":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()

    @contextmanager
    def nothing_new(self) -> Iterator[Known]:
        """What is known now; until the end no request begins, and the one under way may still be answered."""
        with self._gate:
            user = self._world.user
            yield Known(
                dict(user.accepted),
                self._world.seen_to_end(),
                frozenset(user.deleted),
                dict(self._files),
                frozenset(self._deleted_files),
                dict(self._keys),
                self.doing,
            )

    def _go_on(self) -> None:
        try:
            while not self._is_over.is_set():
                self._turn()
                time.sleep(PAUSE_SECONDS)
        except Exception as error:
            self.failure = error
            raise

    def _turn(self) -> None:
        world = self._world
        world.look_at_jobs()
        ended, files, wish = world.ended_jobs(), sorted(self._files), self.wish
        if (wish == "delete" and ended) or len(ended) > KEPT_JOBS:
            self._delete_job(self._chance.choice(ended))
        elif (wish == "delete-file" and files) or len(files) > KEPT_FILES:
            self._delete_file(self._chance.choice(files))
        elif wish in ("upload", "delete-file"):
            self._upload()
        elif wish == "submit" or len(world.open_jobs()) < OPEN_JOBS:
            self._submit(self._chance.choice(DRAWN))

    def _submit(self, spec: str) -> None:
        file_id = self._upload() if spec == "uploaded" else ""
        if spec == "uploaded" and not file_id:
            return
        spec = "short" if file_id else spec
        self._count += 1
        self._begin(Doing("submit", spec, f"power-{self._count}", file_id))
        job_id = submit(self._world, self.doing)
        assert job_id is not None, f"a submit was refused: {self.doing}"
        self._keys[job_id] = f"power-{self._count}"
        self._begin(None)

    def _upload(self) -> str:
        """Its id; empty where it was refused."""
        self._begin(Doing("upload"))
        answer = self._world.user.ask(
            "POST", "/v1/files", files={"file": (ROWS, self._rows)}, data={"purpose": "fine-tune"}
        )
        file_id = str(answer.json()["id"]) if answer is not None and answer.is_success else ""
        if file_id:
            self._files[file_id] = hashlib.sha256(self._rows).hexdigest()
        self._begin(None)
        return file_id

    def _delete_job(self, job_id: str) -> None:
        self._begin(Doing("delete", job_id))
        self._world.user.delete(job_id)
        self._begin(None)

    def _delete_file(self, file_id: str) -> None:
        self._begin(Doing("delete-file", file_id))
        answer = self._world.user.ask("DELETE", f"/v1/files/{file_id}")
        if answer is not None and answer.is_success:
            self._deleted_files.add(file_id)
            del self._files[file_id]
        self._begin(None)

    def _begin(self, doing: Doing | None) -> None:
        with self._gate:
            self.doing = doing


def submit(world: World, doing: Doing | None) -> str | None:
    """Ask for the job of `doing`, under its key; the job's id."""
    assert doing is not None
    rows = {"training_file": doing.file_id, "dataset": None} if doing.file_id else {}
    return world.user.submit(doing.target, doing.key, **rows)


def do_again(world: World, doing: Doing) -> None:
    """What a user does who got no answer. An upload is not repeated: nobody knows its id."""
    if doing.what == "submit":
        submit(world, doing)
    elif doing.what == "delete":
        world.user.delete(doing.target)
    elif doing.what == "delete-file":
        world.user.ask("DELETE", f"/v1/files/{doing.target}")
