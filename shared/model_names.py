"""Names of models: what a request may call one, and how a fine-tuned one is called."""

import re
from dataclasses import dataclass

FINE_TUNED_PREFIX = "ft:"
DEFAULT_SUFFIX = "tunedock"

_FINE_TUNED = re.compile(
    r"ft:[^:]+:[^:]+:(?P<part>[a-z0-9]{1,64})(:ckpt-step-(?P<step>[1-9]\d{0,11}))?", re.ASCII
)
_HUB_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}/[A-Za-z0-9][A-Za-z0-9._-]{0,95}")


def fine_tuned_model_id(base_model: str, suffix: str | None, job_id: str) -> str:
    """`ft:<base without organisation>:<suffix>:<job id without its prefix>`, after OpenAI's pattern."""
    base = re.sub(r"[^A-Za-z0-9._+-]", "-", base_model.rsplit("/", 1)[-1])
    return f"{FINE_TUNED_PREFIX}{base}:{suffix or DEFAULT_SUFFIX}:{job_id.removeprefix('ftjob-')}"


def checkpoint_model_id(fine_tuned_model: str, step: int) -> str:
    """The name of the model that the checkpoint of `step` is, after OpenAI's pattern."""
    return f"{fine_tuned_model}:ckpt-step-{step}"


@dataclass(frozen=True)
class FineTunedModel:
    """What the name of a fine-tuned model says: its job, and for a checkpoint its step."""

    name: str
    job_id: str
    step: int | None

    @property
    def made_by_its_job(self) -> str:
        """The name without a checkpoint's step."""
        return self.name.partition(":ckpt-step-")[0]


def fine_tuned_model(name: str) -> FineTunedModel | None:
    """None when it is no name of a fine-tuned model."""
    match = _FINE_TUNED.fullmatch(name)
    if match is None:
        return None
    return FineTunedModel(name, f"ftjob-{match['part']}", int(match["step"]) if match["step"] else None)


def is_fine_tuned(model: str) -> bool:
    return model.startswith(FINE_TUNED_PREFIX)


def is_hub_id(model: str) -> bool:
    """Whether a name has the shape `organisation/name`; only the hub or its cache knows if it exists."""
    return bool(_HUB_ID.fullmatch(model)) and ".." not in model
