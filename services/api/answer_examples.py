"""Answers that show what pages of the native API send; the reference has them, and its tests check them."""

from typing import Any

from services.api.request_examples import JOB_ID, OTHER_JOB_ID

_QUEUED: dict[str, Any] = {
    "id": JOB_ID,
    "kind": "fine_tuning",
    "status": "queued",
    "request": {
        "kind": "fine_tuning",
        "model": "SmolLM2-135M-Instruct",
        "dataset": "sample_spam/train.jsonl",
        "hyperparameters": {"n_epochs": 3, "global_batch_size": 16, "learning_rate": 0.0002},
    },
    "created_at": 1796070000.0,
    "queued_at": 1796070000.0,
    "queue_position": 1,
    "priority": 0,
    "waits_for": [],
    "progress": {"stage": "queued"},
}
_RUNNING: dict[str, Any] = {
    **_QUEUED,
    "status": "running",
    "started_at": 1796070002.0,
    "attempt": 1,
    "queue_position": None,
    "progress": {
        "stage": "training", "step": 7, "total_steps": 24, "loss": 0.52, "step_seconds": 3.2,
        "tokens_per_second": 310.0, "eta_seconds": 54.4,
    },
}  # fmt: skip
_CANCELLED = {**_QUEUED, "status": "cancelled", "finished_at": 1796070009.0, "queue_position": None}
_PAUSED = {**_QUEUED, "status": "paused", "queue_position": None}
_EVENT = {
    "id": "1-4",
    "created_at": 1796070004.5,
    "level": "info",
    "type": "metrics",
    "message": "Step 7 of 24: loss 0.5200",
    "data": {"step": 7, "total_steps": 24, "train_loss": 0.52},
}

# By the name of the operation.
ANSWERS: dict[str, Any] = {
    "create_job": {**_QUEUED, "warnings": []},
    "list_jobs": {"object": "list", "data": [_RUNNING], "has_more": False},
    "get_job": _RUNNING,
    "delete_job": {"id": JOB_ID, "object": "job", "deleted": True},
    "cancel_job": _CANCELLED,
    "pause_job": _PAUSED,
    "resume_job": _QUEUED,
    "move_job": _QUEUED,
    "list_events": {"object": "list", "data": [_EVENT], "has_more": True},
    "get_queue": {"object": "queue", "paused": False, "jobs": []},
    "pause_queue": {"object": "queue", "paused": True, "jobs": [OTHER_JOB_ID]},
    "resume_queue": {"object": "queue", "paused": False, "jobs": [OTHER_JOB_ID]},
}
