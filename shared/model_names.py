"""Names of models: what a request may call one, and how a fine-tuned one is called."""

import re

FINE_TUNED_PREFIX = "ft:"
DEFAULT_SUFFIX = "tunedock"

_FINE_TUNED = re.compile(r"ft:[^:]+:[^:]+:(?P<part>[a-z0-9]{1,64})")
_HUB_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}/[A-Za-z0-9][A-Za-z0-9._-]{0,95}")


def fine_tuned_model_id(base_model: str, suffix: str | None, job_id: str) -> str:
    """`ft:<base without organisation>:<suffix>:<job id without its prefix>`, after OpenAI's pattern."""
    base = re.sub(r"[^A-Za-z0-9._+-]", "-", base_model.rsplit("/", 1)[-1])
    return f"{FINE_TUNED_PREFIX}{base}:{suffix or DEFAULT_SUFFIX}:{job_id.removeprefix('ftjob-')}"


def job_id_of(fine_tuned_model: str) -> str | None:
    """The job that made a fine-tuned model, by its name alone; None when it is no such name."""
    match = _FINE_TUNED.fullmatch(fine_tuned_model)
    return f"ftjob-{match['part']}" if match else None


def is_fine_tuned(model: str) -> bool:
    return model.startswith(FINE_TUNED_PREFIX)


def is_hub_id(model: str) -> bool:
    """Whether a name has the shape `organisation/name`; only the hub or its cache knows if it exists."""
    return bool(_HUB_ID.fullmatch(model)) and ".." not in model
