"""A store and a data folder as API and worker fill them, for tests of what compares and restores them."""

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.worker.process.journal import Journal
from shared.acceptance import Acceptance, mark_accepted
from shared.adapters import CONFIG, OPTIMIZER, WEIGHTS
from shared.ended_copy import keep_ended_copy
from shared.job_folder import JobFolder
from shared.job_records import Claim, WorkerEvent
from shared.jobs import new_job_id
from shared.keeper_store import KeeperStore
from shared.model_names import fine_tuned_model_id
from shared.repair.aside import Aside
from shared.repair.examine import examine, mend
from shared.repair.scene import Scene
from shared.repair.trouble import Trouble
from shared.repair_store import RepairStore
from shared.schemas.records import JobRecord
from shared.schemas.requests import FineTuningRequest, JobRequest
from shared.sealed_folder import publish, seal
from shared.worker_store import WorkerStore

TRAINING = FineTuningRequest(model="tiny", training_file="file-1")


@dataclass
class FilledInstallation:
    """A store and a data folder, filled by what API and worker fill them with."""

    store: WorkerStore
    url: str
    data_dir: Path
    is_running: bool = False

    def folder(self, job_id: str) -> JobFolder:
        return JobFolder.of(self.data_dir, job_id)

    def submit(self, request: JobRequest = TRAINING, key: str | None = None) -> str:
        job_id = new_job_id(request.kind)
        folder = self.folder(job_id)
        folder.rows.mkdir(parents=True)
        parts = ["training"] if isinstance(request, FineTuningRequest) else []
        for part in parts:
            folder.rows_of(part).write_text('{"text": "a row"}\n')
        spec = {"id": job_id, "kind": request.kind, "request": request.model_dump(mode="json")}
        folder.spec.write_text(json.dumps({**spec, "datasets": {part: {} for part in parts}}))
        record = self.store.submit(
            job_id,
            request,
            owner="local",
            idempotency_key=key,
            fingerprint="f",
            is_retry=False,
            max_queued_jobs=99,
        ).record
        self.accept(record, key)
        return job_id

    def accept(self, record: JobRecord, key: str | None = None) -> None:
        mark = Acceptance(
            number=KeeperStore.of(self.store).number_of(record.id),
            created_at=record.created_at,
            idempotency_key=key,
            fingerprint="f",
        )
        mark_accepted(self.folder(record.id), mark)

    def claim(self) -> Claim:
        claimed = self.store.claim(host="a", boot="1", nonce=str(time.time_ns()), lease_seconds=45)
        assert isinstance(claimed, Claim)
        return claimed

    def claim_nothing(self) -> bool:
        return self.store.claim(host="a", boot="1", nonce=str(time.time_ns()), lease_seconds=45) is None

    def begin(self, steps: int = 4) -> Claim:
        """The next job runs: some steps told, a checkpoint after the second and the fourth."""
        claim = self.claim()
        folder = self.folder(claim.job_id)
        journal = Journal(folder.attempt(claim.attempt).journal)
        events = [
            WorkerEvent(number, "info", "metrics", f"step {number}", {"step": number}, time.time())
            for number in range(1, steps + 1)
        ]
        kept = [WorkerEvent(**{**vars(one), "is_in_journal": journal.append(one)}) for one in events]
        self.store.record_events(claim, kept)
        for step in (2, 4):
            sealed(folder.checkpoint(step), (WEIGHTS, CONFIG, OPTIMIZER))
            self.store.checkpoint(claim, step)
        return claim

    def trained(self) -> str:
        claim = self.begin()
        self.end(claim, adapter=True)
        return claim.job_id

    def end(self, claim: Claim, *, adapter: bool) -> None:
        result: dict[str, Any] = {"steps": 4}
        folder = self.folder(claim.job_id)
        if adapter:
            sealed(folder.adapter, (WEIGHTS, CONFIG))
            result["fine_tuned_model"] = fine_tuned_model_id("tiny", None, claim.job_id)
        self.store.finish(claim, "succeeded", message="Done", result=result)
        copy = KeeperStore.of(self.store).ended_copy(claim.job_id)
        assert copy is not None
        keep_ended_copy(folder, copy)

    def look(self) -> list[Trouble]:
        scene = Scene(RepairStore.connect(self.url), self.data_dir, Aside.now(self.data_dir), self.is_running)
        return examine(scene)

    def repair(self) -> list[str]:
        """The codes of what was found, each mended; a second look finds nothing."""
        found = self.look()
        outcomes = list(mend(found))
        assert [one for one in outcomes if one.mended is False] == []
        assert [(one.code, one.about, one.why) for one in self.look() if one.mend] == []
        return [one.code for one in found]

    def redis(self) -> Any:
        return self.store._redis

    def aside(self) -> set[str]:
        folder = self.data_dir / "set-aside"
        return {
            str(path.relative_to(folder).parent / path.name).partition("/")[2] for path in folder.rglob("*")
        }


def sealed(folder: Path, names: tuple[str, ...]) -> None:
    draft = folder.with_name(f"{folder.name}.draft")
    draft.mkdir(parents=True)
    for name in names:
        (draft / name).write_text(f"{name} of {folder}")
    seal(draft, {})
    publish(draft, folder)
