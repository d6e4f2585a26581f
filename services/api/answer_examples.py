"""Answers that show what pages send; the reference has them, and its tests check them."""

from typing import Any

from services.api.request_examples import FILE_ID, JOB_ID, OTHER_JOB_ID

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
_FILE = {
    "id": FILE_ID,
    "object": "file",
    "bytes": 48213,
    "created_at": 1796069990,
    "filename": "rows.jsonl",
    "purpose": "fine-tune",
    "status": "processed",
}
_MODEL = {
    "id": "ft:SmolLM2-135M-Instruct:spam:7fkq2mw9x4hjt8vcsr3bnp6d",
    "object": "model",
    "created": 1796070080,
    "owned_by": "tunedock",
}
_LEARNED = {"batch_size": 16, "learning_rate_multiplier": 1.0, "n_epochs": 2}
_TUNING: dict[str, Any] = {
    "id": JOB_ID,
    "object": "fine_tuning.job",
    "created_at": 1796070000,
    "finished_at": None,
    "estimated_finish": None,
    "model": "SmolLM2-135M-Instruct",
    "fine_tuned_model": None,
    "organization_id": "tunedock",
    "status": "queued",
    "hyperparameters": _LEARNED,
    "method": {"type": "supervised", "supervised": {"hyperparameters": _LEARNED}},
    "training_file": FILE_ID,
    "validation_file": None,
    "result_files": [],
    "trained_tokens": None,
    "seed": 7,
    "integrations": [],
    "metadata": {},
    "error": None,
}
_CHECKPOINT = {
    "id": "ftckpt-7fkq2mw9x4hjt8vcsr3bnp6d-12",
    "object": "fine_tuning.job.checkpoint",
    "created_at": 1796070040,
    "fine_tuned_model_checkpoint": f"{_MODEL['id']}:ckpt-step-12",
    "fine_tuning_job_id": JOB_ID,
    "step_number": 12,
    "metrics": {"step": 12.0, "train_loss": 0.41},
}
_TUNING_EVENT = {
    "id": "ftevent-7fkq2mw9x4hjt8vcsr3bnp6d-1-4",
    "object": "fine_tuning.job.event",
    "created_at": 1796070004,
    "level": "info",
    "type": "metrics",
    "message": "Step 7 of 24: loss 0.5200",
    "data": {"step": 7, "total_steps": 24, "train_loss": 0.52},
}

_DELIVERY = {
    "id": f"{JOB_ID}.1",
    "object": "webhook.delivery",
    "event_id": "evt_7fkq2mw9x4hjt8vcsr3bnp6d",
    "type": "fine_tuning.job.succeeded",
    "job_id": JOB_ID,
    "url": "https://example.com/hook",
    "status": "pending",
    "tries": 1,
    "created_at": 1796070080.0,
    "tried_at": 1796070080.4,
    "next_try_at": 1796070085.7,
    "answer_status": 503,
    "problem": "The address answered HTTP 503.",
}
_DATA_REPORT: dict[str, Any] = {
    "schema_version": 1,
    "kind": "data",
    "usable": True,
    "training": {
        "name": "rows.jsonl",
        "bytes": 48213,
        "notation": "json_lines",
        "encoding": "utf-8",
        "separator": None,
        "format": "classification",
        "read_as": None,
        "unit": "line",
        "rows": 500,
        "unusable_rows": 0,
        "repeated_rows": 3,
        "contradicting_rows": 0,
        "label_count": 2,
        "labels": ({"label": "ham", "rows": 251}, {"label": "spam", "rows": 249}),
        "characters": {"total": 40100, "mean": 80.2, "p50": 61, "p95": 160, "longest": 441, "longest_at": 87},
        "scripts": ({"script": "latin", "share": 1.0},),
        "fields": ("text", "label"),
        "examples": ('{"text": "win a free prize now", "label": "spam"}',),
    },
    "validation": None,
    "overlap": None,
    "findings": (),
    "read_seconds": 0.21,
    "job": None,
}

# By the name of the operation.
ANSWERS: dict[str, Any] = {
    "create_job": {**_QUEUED, "warnings": []},
    "report_dataset": _DATA_REPORT,
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
    "prune": {"object": "pruning", "dry_run": True, "data": [], "refused": [], "bytes": 0},
    "upload_file": _FILE,
    "list_files": {
        "object": "list",
        "data": [_FILE],
        "has_more": False,
        "first_id": FILE_ID,
        "last_id": FILE_ID,
    },
    "get_file": _FILE,
    "delete_file": {"id": FILE_ID, "object": "file", "deleted": True},
    "create_fine_tuning_job": {**_TUNING, "warnings": []},
    "list_fine_tuning_jobs": {"object": "list", "data": [_TUNING], "has_more": False},
    "get_fine_tuning_job": _TUNING,
    "cancel_fine_tuning_job": {**_TUNING, "status": "cancelled", "finished_at": 1796070009},
    "pause_fine_tuning_job": {**_TUNING, "status": "paused"},
    "resume_fine_tuning_job": _TUNING,
    "list_checkpoints": {
        "object": "list",
        "data": [_CHECKPOINT],
        "has_more": False,
        "first_id": _CHECKPOINT["id"],
        "last_id": _CHECKPOINT["id"],
    },
    "list_fine_tuning_events": {"object": "list", "data": [_TUNING_EVENT], "has_more": True},
    "list_models": {"object": "list", "data": [_MODEL]},
    "get_model": _MODEL,
    "delete_model": {"id": _MODEL["id"], "object": "model", "deleted": True},
    "list_deliveries": {"object": "list", "data": [_DELIVERY], "has_more": False},
    "resend_delivery": {**_DELIVERY, "tries": 0, "tried_at": None, "answer_status": None, "problem": None},
    "get_health": {"status": "ok"},
    "get_readiness": {
        "status": "ready",
        "store": "ok",
        "workers": [{"device": "cuda", "beat_seconds_ago": 1.2}],
    },
}
