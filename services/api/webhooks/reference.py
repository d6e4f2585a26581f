"""What a receiver gets, as the part `webhooks` of the OpenAPI document."""

from typing import Any

from shared.jobs import KINDS, TERMINAL

TYPES = tuple(f"{kind}.job.{status}" for kind in KINDS for status in TERMINAL)
_HEADERS = {
    "webhook-id": "the event's id, the same in every try",
    "webhook-timestamp": "when it was sent, UTC in seconds",
    "webhook-signature": "`v1,` and an HMAC-SHA256 in base64 for each secret, with spaces between",
}
_EVENT: dict[str, Any] = {
    "type": "object",
    "required": ["id", "object", "type", "created_at", "data"],
    "properties": {
        "id": {"type": "string"},
        "object": {"const": "event"},
        "type": {"enum": list(TYPES)},
        "created_at": {"type": "integer", "description": "when the job ended, UTC in seconds"},
        "data": {
            "type": "object",
            "required": ["id"],
            "properties": {"id": {"type": "string", "description": "the job's id"}},
        },
    },
}

REFERENCE: dict[str, Any] = {
    "job_ended": {
        "post": {
            "summary": "A job has ended",
            "description": "Sent to TUNEDOCK_WEBHOOK_URLS and to the job's `webhook`, at least once.",
            "parameters": [
                {
                    "name": name,
                    "in": "header",
                    "required": True,
                    "description": text,
                    "schema": {"type": "string"},
                }
                for name, text in _HEADERS.items()
            ],
            "requestBody": {"required": True, "content": {"application/json": {"schema": _EVENT}}},
            "responses": {
                "2XX": {"description": "heard"},
                "410": {"description": "no more webhooks are sent to the address"},
                "default": {"description": "it is tried again, for three days"},
            },
        }
    }
}
