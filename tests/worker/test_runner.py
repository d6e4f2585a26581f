"""The runner on a real store: a lost reply costs no attempt; the copy on disk says what the record says."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from services.worker.ownership import DeviceOwnership
from services.worker.runner import Runner
from shared.errors import StoreUnavailable
from shared.job_records import Claim
from shared.job_store import JobStore
from shared.schemas import LoadDiagnosticRequest
from shared.settings import Settings
from tests.valkey import Valkey

JOB = "diagjob-test"


class LosesTheFirstReply(JobStore):
    """The real store behind a connection that breaks once, after the store has done what it was asked."""

    lost = False

    def claim(self, **arguments: Any) -> Claim | float | None:
        answer = super().claim(**arguments)
        if not self.lost:
            self.lost = True
            raise StoreUnavailable("the reply was lost")
        return answer


@pytest.fixture
def store(tmp_path: Path) -> Iterator[JobStore]:
    server = Valkey(tmp_path).start()
    store = LosesTheFirstReply.connect(server.url)
    store.submit(
        JOB,
        LoadDiagnosticRequest(model="tiny"),
        owner="me",
        idempotency_key=None,
        fingerprint="f",
        is_retry=False,
        max_queued_jobs=10,
    )
    yield store
    server.kill()


@pytest.fixture
def runner(store: JobStore, tmp_path: Path) -> Runner:
    ownership = DeviceOwnership(tmp_path / "lock", store, host="a", crash_limit=3)
    return Runner(Settings(data_dir=tmp_path / "data"), store, ownership)


def test_a_claim_whose_reply_was_lost_is_the_same_claim_when_asked_again(
    runner: Runner, store: JobStore
) -> None:
    claim = runner._claim()
    assert isinstance(claim, Claim)
    assert (claim.job_id, claim.attempt) == (JOB, 1)
    assert store.get(JOB).attempt == 1


def test_a_job_that_was_cancelled_before_it_ended_is_cancelled_on_disk_too(
    runner: Runner, store: JobStore, tmp_path: Path
) -> None:
    claim = runner._claim()
    assert isinstance(claim, Claim)
    store.cancel(JOB)
    with runner._lifeline(claim) as lifeline:
        runner._end(lifeline, "succeeded", "Succeeded", result={"steps": 1})
    copy = json.loads((tmp_path / "data" / "jobs" / JOB / "result.json").read_text())
    assert (store.get(JOB).status, copy["status"]) == ("cancelled", "cancelled")
    assert "result" not in copy
