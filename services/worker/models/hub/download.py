"""Downloads a model's snapshot from the hub, or finds it complete in the hub's cache."""

import io
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import huggingface_hub
from huggingface_hub import constants
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    IncompleteSnapshotError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from tqdm import tqdm

from services.worker.failures import FailureCode, JobFailed
from services.worker.models.files.model_folder import (
    CONFIG_PATTERNS,
    PICKLE_PATTERNS,
    SAFETENSORS_PATTERNS,
    refuse_outside_links,
)
from services.worker.models.reading.byte_progress import ByteProgress
from services.worker.running_job import RunningJob
from shared.disk_errors import is_full
from shared.messages.message import Message, say
from shared.private_files import open_as_usual

# Neither code nor copies of the weights for other programs, which lie in sub-folders.
NEVER = ["*.py", "*/*"]


@dataclass(frozen=True)
class Snapshot:
    """One revision of a hub model in the cache; `downloaded` when some of it came over the network now."""

    folder: Path
    commit: str
    downloaded: bool


def download_snapshot(
    name: str, revision: str | None, job: RunningJob, *, incomplete: bool = False
) -> Snapshot:
    """Bring a hub model's config, tokenizer and weights into the hub's cache.

    Weights are safetensors; `.bin` only where the repository has no safetensors. Endpoint, token, cache
    folder and offline mode are those of huggingface_hub's own variables. A complete cached revision serves
    when the hub does not; with `incomplete` so does what an interrupted download left. Raises JobFailed:
    MODEL_NOT_FOUND, HUB_UNAVAILABLE, DISK_FULL.
    """
    progress = ByteProgress(job, "downloading")
    job.progress("downloading", model=name)
    try:
        folder = _fetch_model(name, revision, progress)
    except IncompleteSnapshotError as error:
        folder = Path(error.snapshot_path).resolve()
        if not incomplete or not (folder / "config.json").is_file():
            raise _explained(name, revision, error) from error
    except JobFailed:
        raise
    except Exception as error:  # the hub's client, its HTTP library and its transfer library raise their own
        if progress.stopped is not None:
            raise progress.stopped from error
        raise _explained(name, revision, error) from error
    if progress.stopped is not None:  # a transfer that runs outside Python may swallow the order
        raise progress.stopped
    refuse_outside_links(folder)
    return Snapshot(folder, folder.name, downloaded=progress.done_bytes > 0)


def _fetch_model(name: str, revision: str | None, progress: ByteProgress) -> Path:
    folder = _fetch(name, revision, [*CONFIG_PATTERNS, *SAFETENSORS_PATTERNS], progress)
    if not (folder / "config.json").is_file():
        raise _not_found(say("hub-model-lacks-config", model=name), say("name-transformers-model"))
    if any(folder.glob("model*.safetensors")):
        return folder
    return _fetch(name, folder.name, [*CONFIG_PATTERNS, *PICKLE_PATTERNS], progress)


def _fetch(name: str, revision: str | None, patterns: list[str], progress: ByteProgress) -> Path:
    with open_as_usual():
        folder = huggingface_hub.snapshot_download(
            name,
            revision=revision,
            allow_patterns=patterns,
            ignore_patterns=NEVER,
            max_workers=4,
            tqdm_class=_bar_class(progress),
        )
    return Path(folder).resolve()


def _bar_class(progress: ByteProgress) -> type[Any]:
    """A tqdm that draws nothing; the bar of bytes written to disk counts into `progress`.

    huggingface_hub makes three bars: bytes received, bytes written, files. Only the second is told apart by
    what it says, and its total grows as files are found.
    """

    class JobBar(tqdm):
        def __init__(self, *args: Any, **options: Any) -> None:
            self._counts = str(options.get("desc", "")).startswith("Reconstructing")
            super().__init__(*args, **{**options, "file": io.StringIO()})

        def update(self, n: float | None = 1) -> None:
            self.n += n or 0
            if self._counts:
                progress.total_bytes = int(self.total or 0)
                progress.add(int(n or 0))

        def display(self, *args: Any, **options: Any) -> None: ...

        def refresh(self, *args: Any, **options: Any) -> None: ...

    return JobBar


def _explained(name: str, revision: str | None, error: Exception) -> JobFailed:
    at = name if revision is None else f"{name}@{revision}"
    if isinstance(error, OSError) and is_full(error):
        return JobFailed(
            FailureCode.DISK_FULL,
            say("cache-full-while-downloading", cache=constants.HF_HUB_CACHE, model=at),
            say("free-cache-or-move-it"),
        )
    if isinstance(error, HFValidationError):
        return _not_found(
            say("neither-folder-nor-hub-id", model=name),
            say("name-folder-or-hub-id"),
        )
    if isinstance(error, GatedRepoError):
        return _not_found(
            say("model-gated", model=at),
            say("accept-terms"),
        )
    if isinstance(error, RevisionNotFoundError):
        return _not_found(
            say("hub-lacks-revision", model=name, revision=str(revision)), say("check-revision")
        )
    if isinstance(error, RepositoryNotFoundError) or _status(error) == 401:
        return _not_found(
            say("hub-lacks-model", hub=constants.ENDPOINT, model=name),
            say("check-model-name"),
        )
    if isinstance(error, LocalEntryNotFoundError) and constants.HF_HUB_OFFLINE:
        return _not_found(
            say("offline-and-not-cached", cache=constants.HF_HUB_CACHE, model=at),
            say("unset-offline"),
        )
    return JobFailed(
        FailureCode.HUB_UNAVAILABLE,
        say("hub-did-not-deliver", hub=constants.ENDPOINT, model=at, error=_first_line(error)),
        say("check-network"),
    )


def _not_found(message: Message, remedy: Message) -> JobFailed:
    return JobFailed(FailureCode.MODEL_NOT_FOUND, message, remedy)


def _status(error: Exception) -> int | None:
    return error.response.status_code if isinstance(error, HfHubHTTPError) else None


def _first_line(error: Exception) -> str:
    """The error's first line without names of exceptions, numbers of the system and a full stop."""
    lines = str(error).strip().splitlines() or [""]
    plain = re.sub(r"^(Got: |\w*(Error|Exception|Timeout): |\[Errno -?\d+\] )*", "", lines[0])
    return plain[:300].rstrip(". ") or type(error).__name__
