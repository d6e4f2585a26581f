"""A run's state on disk: written so that it is whole or absent, read back only if it verifies and fits."""

import json
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from safetensors.torch import load, save
from torch import Tensor

from services.worker.adapters.ended_run import has_optimizer
from shared import sealed_folder
from shared.adapters import CONFIG, OPTIMIZER, WEIGHTS
from shared.durable import make_folder, write_json_durably
from shared.job_folder import AttemptFolder, JobFolder
from shared.messages.message import Message, say

KEPT = 2
_FORMAT = 1


@dataclass(frozen=True)
class Snapshot:
    """All that the next step depends on, once `step` steps are done.

    `adapter` and `optimizer` are tensors by name; `state` is JSON (counters, the plan). There is no random
    state: every step seeds itself from the run's seed and its own number. `adapter_config`, PEFT's, makes the
    folder an adapter that can be used like a published one; a run does not need it to go on.
    """

    step: int
    adapter: Mapping[str, Tensor]
    optimizer: Mapping[str, Tensor]
    state: Mapping[str, Any]
    adapter_config: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class CheckpointFolder:
    """The checkpoints of one job, seen from one attempt at it.

    `fingerprint` describes everything that decides the rows and the arithmetic of each step; a checkpoint
    with another one belongs to another run.
    """

    job_folder: JobFolder
    attempt: int
    fingerprint: Mapping[str, Any]

    @property
    def attempt_folder(self) -> AttemptFolder:
        return self.job_folder.attempt(self.attempt)

    @property
    def folder(self) -> Path:
        return self.job_folder.checkpoints

    def clear_leftovers(self) -> None:
        """Remove what attempts that died left half written; the caller is the only living attempt."""
        for leftover in self.job_folder.drafts():
            shutil.rmtree(leftover, ignore_errors=True)

    def write(self, snapshot: Snapshot) -> None:
        """Make `snapshot` durable, then let older ones go. On an OSError no trace of it is left."""
        temporary = self.attempt_folder.checkpoint_draft(snapshot.step)
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(parents=True)
        try:
            self._fill(temporary, snapshot)
            self._publish(temporary, snapshot.step)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
        self.drop_all_but(KEPT)

    def rehearse(self, snapshot: Snapshot) -> None:
        """All that `write` has the disk do, so that it can be timed; nothing is left. Raises OSError."""
        temporary = self.attempt_folder.checkpoint_draft(snapshot.step)
        shutil.rmtree(temporary, ignore_errors=True)
        made = [folder for folder in temporary.parents if not folder.exists()]
        temporary.mkdir(parents=True)
        try:
            self._fill(temporary, snapshot)
            for _ in range(KEPT):  # as `drop_all_but` looks at those that stay
                sealed_folder.verified_manifest(temporary)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
            for folder in made:
                with suppress(OSError):
                    folder.rmdir()

    def newest(self) -> tuple[Snapshot | None, list[Message]]:
        """The newest checkpoint that verifies and belongs to this run, and why each newer one was passed
        over.
        """
        rejected = list[Message]()
        for step, path in self._newest_first():
            manifest = sealed_folder.verified_manifest(path)
            if manifest is None:
                rejected.append(say("checkpoint-damaged", step=step))
            elif manifest.get("format") != _FORMAT or manifest.get("fingerprint") != _plain(self.fingerprint):
                rejected.append(say("checkpoint-of-other-run", step=step))
            elif not has_optimizer(manifest):
                rejected.append(say("checkpoint-without-optimizer", step=step))
            else:
                return _read(path, step), rejected
        return None, rejected

    def drop_all_but(self, kept: int) -> None:
        """Delete older checkpoints beyond the newest `kept` that verify; damaged ones go with them."""
        whole = 0
        for _, path in self._newest_first():
            if whole >= kept:
                shutil.rmtree(path, ignore_errors=True)
            elif sealed_folder.verified_manifest(path) is not None:
                whole += 1

    def _fill(self, folder: Path, snapshot: Snapshot) -> None:
        # Bytes, not save_file: a full disk is then an OSError with its number.
        (folder / WEIGHTS).write_bytes(save(dict(snapshot.adapter), metadata={"format": "pt"}))
        write_json_durably(folder / CONFIG, dict(snapshot.adapter_config))
        (folder / OPTIMIZER).write_bytes(save(dict(snapshot.optimizer)))
        write_json_durably(folder / "state.json", dict(snapshot.state))
        sealed_folder.seal(
            folder,
            {
                "format": _FORMAT,
                "step": snapshot.step,
                "attempt": self.attempt,
                "fingerprint": dict(self.fingerprint),
            },
        )

    def _publish(self, temporary: Path, step: int) -> None:
        """An earlier attempt may have been here: its checkpoint of the same step stays if it is whole."""
        make_folder(self.folder)
        target = self.job_folder.checkpoint(step)
        if target.exists():
            manifest = sealed_folder.verified_manifest(target)
            if (
                manifest is not None
                and manifest.get("fingerprint") == _plain(self.fingerprint)
                and has_optimizer(manifest)
            ):
                return
            target.rename(self.job_folder.rejected_checkpoint(step, self.attempt))
        sealed_folder.publish(temporary, target)

    def _newest_first(self) -> list[tuple[int, Path]]:
        return self.job_folder.checkpoints_by_step()[::-1]


def _read(path: Path, step: int) -> Snapshot:
    weights = path / WEIGHTS
    if not weights.exists():  # written before a checkpoint was an adapter too
        weights = path / "adapter.safetensors"
    return Snapshot(
        step=step,
        adapter=load(weights.read_bytes()),
        optimizer=load((path / OPTIMIZER).read_bytes()),
        state=json.loads((path / "state.json").read_bytes()),
    )


def _plain(value: Mapping[str, Any]) -> Any:
    """As it reads after a way through JSON (tuples become lists)."""
    return json.loads(json.dumps(dict(value)))
