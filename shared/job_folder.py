"""A job's folder: the one place that spells the names of what lies in it.

    spec.json  rows/  start/           what the job is to do; `start` is the adapter that it took hold of
    accepted                           the store has the job
    attempts/N/                        the journal of attempt N, and what it writes aside
    tokens/  checkpoints/step-N/       what a later attempt goes on from
    adapter/  adapter-llama/           what a fine-tuning made: sealed folders, see `shared/adapters.py`
    report.json  result.json           a diagnosis, or what a training took; a copy of how the record ended
    delete-job  delete-model           marks: see `shared/removal.py`

No module but this one spells them; tests/shared/test_job_folder.py watches that.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from shared.renamed_families import RUN_UNDER

JOBS = "jobs"  # in the data folder
ROWS, TOKENS, CHECKPOINTS, ATTEMPTS, START = "rows", "tokens", "checkpoints", "attempts", "start"
ADAPTER, DAMAGED_ADAPTER = "adapter", "adapter.damaged"
# The first that is there has the names that its base runs under.
ADAPTERS = (*(f"{ADAPTER}-{names}" for names in RUN_UNDER), ADAPTER)
JOB_MARK = "delete-job"
MODEL_MARK = "delete-model"  # stays: the store may forget that the model went, the disk does not

_STEP = re.compile(r"step-(\d{1,12})", re.ASCII)
_DRAFTS = ("ckpt.tmp-*", "adapter*.tmp", "tokens.tmp")


@dataclass(frozen=True)
class AttemptFolder:
    """What one attempt at a job writes: its journal, and drafts that get their names when they are whole."""

    path: Path

    @property
    def journal(self) -> Path:
        return self.path / "events.jsonl"

    @property
    def tokens_draft(self) -> Path:
        return self.path / "tokens.tmp"

    def checkpoint_draft(self, step: int) -> Path:
        return self.path / f"ckpt.tmp-{step}"

    def adapter_draft(self, name: str) -> Path:
        """`name` is the adapter's in the job's folder."""
        return self.path / f"{name}.tmp"


@dataclass(frozen=True)
class JobFolder:
    """Where everything lies in the folder `path` of one job; nothing says that it is there."""

    path: Path

    @classmethod
    def of(cls, data_dir: Path, job_id: str) -> "JobFolder":
        return cls(jobs_folder(data_dir) / job_id)

    @property
    def spec(self) -> Path:
        """The request as it was accepted, and what was found in its rows."""
        return self.path / "spec.json"

    @property
    def accepted(self) -> Path:
        return self.path / "accepted"

    @property
    def rows(self) -> Path:
        return self.path / ROWS

    def rows_of(self, part: str) -> Path:
        """The checked rows of a part: training, validation, evaluation."""
        return self.rows / f"{part}.jsonl"

    @property
    def start(self) -> Path:
        """The adapter that the job took hold of."""
        return self.path / START

    @property
    def tokens(self) -> Path:
        """The rendered rows, which a resumed run learns again."""
        return self.path / TOKENS

    @property
    def adapter(self) -> Path:
        """What a fine-tuning published, under the names of the base model's repository."""
        return self.path / ADAPTER

    def published(self) -> list[Path]:
        """The adapters that are there, under whatever names."""
        return [folder for name in ADAPTERS if (folder := self.path / name).exists()]

    def adapter_under(self, names: str) -> Path:
        """The same adapter under the names of the family `names`, where the base model runs under those."""
        return self.path / adapter_under(names)

    @property
    def damaged_adapter(self) -> Path:
        return self.path / DAMAGED_ADAPTER

    def free_damaged_adapter(self) -> Path:
        """That name, or one beside it that nothing has."""
        place, number = self.damaged_adapter, 1
        while place.exists() or place.is_symlink():
            number += 1
            place = self.path / f"{DAMAGED_ADAPTER}-{number}"
        return place

    @property
    def report(self) -> Path:
        return self.path / "report.json"

    @property
    def result(self) -> Path:
        return self.path / "result.json"

    @property
    def checkpoints(self) -> Path:
        return self.path / CHECKPOINTS

    def checkpoint(self, step: int) -> Path:
        return self.checkpoints / f"step-{step}"

    def checkpoints_by_step(self) -> list[tuple[int, Path]]:
        """Oldest first, without those that were set aside."""
        found = ((_STEP.fullmatch(path.name), path) for path in self.checkpoints.glob("step-*"))
        return sorted((int(match[1]), path) for match, path in found if match)

    def all_checkpoints(self) -> Iterator[Path]:
        """In no order, with those that were set aside."""
        return self.checkpoints.glob("step-*")

    def rejected_checkpoint(self, step: int, attempt: int) -> Path:
        """A free name for a checkpoint of `step` that `attempt` sets aside."""
        number = 1
        while (aside := self.checkpoints / f"step-{step}.rejected-{attempt}-{number}").exists():
            number += 1
        return aside

    def attempt(self, number: int) -> AttemptFolder:
        return AttemptFolder(self.path / ATTEMPTS / str(number))

    @property
    def was_attempted(self) -> bool:
        return (self.path / ATTEMPTS).exists()

    def drafts(self) -> Iterator[Path]:
        """What attempts left half written."""
        for pattern in _DRAFTS:
            yield from self.path.glob(f"{ATTEMPTS}/*/{pattern}")

    def only_for_attempts(self) -> Iterator[Path]:
        """Folders that only another attempt at the job could have used."""
        yield from (folder for folder in (self.start, self.tokens) if folder.exists())
        yield from self.drafts()
        yield from self.checkpoints.glob("step-*.rejected-*")

    def model_parts(self) -> list[Path]:
        """Everything trained: it goes where the model is deleted and the job is kept."""
        return [self.path / name for name in (*ADAPTERS, CHECKPOINTS, DAMAGED_ADAPTER)]

    def mark(self, name: str) -> Path:
        """The file of a mark: `JOB_MARK` or `MODEL_MARK`."""
        return self.path / name

    @property
    def is_leftover(self) -> bool:
        """Whether the job's submit was never seen to succeed: no mark of it, and no attempt at what it says.

        An attempt without a spec is what a worker wrote after the job had been deleted.
        """
        if self.accepted.exists() or self.path.name.startswith("."):
            return False
        if self.spec.exists():
            return not self.was_attempted
        return not self.adapter.exists()


def adapter_under(names: str) -> str:
    """The name in a job's folder of an adapter under the names of the family `names`."""
    return f"{ADAPTER}-{names}"


def jobs_folder(data_dir: Path) -> Path:
    """Where the folders of all jobs lie, each under its job's id."""
    return data_dir / JOBS
