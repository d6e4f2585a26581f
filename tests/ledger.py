"""A job's first two steps for tests: queued as the API does it, begun as a worker does it."""

from shared.job_records import Claim
from shared.jobs import new_job_id
from shared.schemas.records import JobRecord
from shared.schemas.requests import LoadDiagnosticRequest
from shared.worker_store import WorkerStore


def submit(store: WorkerStore) -> JobRecord:
    job_id = new_job_id("load_diagnostic")
    return store.submit(
        job_id,
        LoadDiagnosticRequest(model="tiny"),
        owner="me",
        idempotency_key=None,
        fingerprint=job_id,
        is_retry=False,
        max_queued_jobs=10,
    ).record


def claim_next(store: WorkerStore, *, lease_seconds: float = 45) -> Claim:
    claimed = store.claim(host="a", boot="1", nonce="n", lease_seconds=lease_seconds)
    assert isinstance(claimed, Claim)
    return claimed
