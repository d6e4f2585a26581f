"""Failures: how a job can end badly, as data with a remedy for the person who must act."""

from dataclasses import dataclass
from enum import StrEnum

from shared.messages.message import Message, stored
from shared.messages.render import in_english


class FailureCode(StrEnum):
    """Stable words for programs; the text after each is its row in docs/errors.md."""

    meaning: str

    def __new__(cls, value: str, meaning: str) -> "FailureCode":
        member = str.__new__(cls, value)
        member._value_ = value
        member.meaning = meaning
        return member

    MODEL_NOT_FOUND = (
        "model_not_found",
        "the hub, the cache or the models folder has no such model or revision",
    )
    MODEL_UNREADABLE = "model_unreadable", "a model file is damaged, truncated or not what its name says"
    MODEL_UNSUPPORTED = "model_unsupported", "the model needs code or features that Tunedock does not run"
    MODEL_REFUSED = (
        "model_refused",
        "a model file tried to run code or to reach outside its folder; it was not loaded",
    )
    HUB_UNAVAILABLE = "hub_unavailable", "the model hub did not answer"
    DATASET_INVALID = "dataset_invalid", "no row can be trained on"
    ADAPTER_INVALID = "adapter_invalid", "the adapter is damaged or was made for another base model"
    TARGET_MODULES_UNKNOWN = (
        "target_modules_unknown",
        "the base model has no linear layer with a name in lora.target_modules",
    )
    OUT_OF_MEMORY = "out_of_memory", "the device has too little memory for this job"
    DIVERGED = "diverged", "the loss is no longer a number"
    DISK_FULL = "disk_full", "too little space in the data folder to save the result"
    CACHE_NOT_MOVED = (
        "cache_not_moved",
        "the model is not in the cache, or the storage to move it to can't be used",
    )
    JOB_FILES_LOST = "job_files_lost", "files of the job were removed from the data folder, or can't be read"
    DEPENDENCY_FAILED = "dependency_failed", "a job that it was to run after failed or was cancelled"
    POISON = "poison", "the worker died in every attempt"
    STALLED = "stalled", "the job made no progress for too long"
    INTERNAL = "internal_error", "a bug in Tunedock; the worker's log has the traceback"


@dataclass(frozen=True)
class Failure:
    """What a failed job's record shows."""

    code: FailureCode
    said: Message
    advice: Message

    @property
    def message(self) -> str:
        """What is wrong, in English: for the log."""
        return in_english(self.said)

    @property
    def remedy(self) -> str:
        """What to do, in English."""
        return in_english(self.advice)

    def stored(self) -> dict[str, str]:
        """The record's `error`: a message stays an id and its values until somebody reads it."""
        return {"code": self.code.value, "message": stored(self.said), "remedy": stored(self.advice)}


class JobFailed(Exception):
    """Raised anywhere in a job to end it as failed; the runner writes ``failure`` into the record."""

    def __init__(self, code: FailureCode, message: Message, remedy: Message) -> None:
        self.failure = Failure(code, message, remedy)
        super().__init__(self.failure.message)


def is_panic(error: BaseException) -> bool:
    """Whether a library in Rust gave up: what it raises then is no `Exception`, so that nobody goes on."""
    return not isinstance(error, Exception) and type(error).__name__ == "PanicException"
