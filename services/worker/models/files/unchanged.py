"""Whether files are still those that were checked, and whether their disk can read them at all."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from services.worker.failures import FailureCode, JobFailed
from shared.messages.message import say
from shared.visible import visible


class UnchangedFiles:
    """Remembers what files are before somebody checks them, so that they are known to be the same after use.

    By size and the times of the last change of content and of anything: who replaces a file, or writes into
    it, changes one of them, whatever modification time is set afterwards. Inodes are left out, for network
    filesystems may number the same file anew.
    """

    def __init__(self, files: Sequence[Path]) -> None:
        self._before = {file: _identity(file) for file in files}

    def require(self) -> None:
        """Raise JobFailed(MODEL_UNREADABLE) when one of the files was changed or replaced since."""
        for file, before in self._before.items():
            if _identity(file) != before:
                raise JobFailed(
                    FailureCode.MODEL_UNREADABLE,
                    say("model-file-changed", file=visible(file.name)),
                    say("let-writer-finish"),
                )


@contextmanager
def disk_errors_explained() -> Iterator[None]:
    """Turn an error of reading into JobFailed(MODEL_UNREADABLE): it is the disk's or the network's."""
    try:
        yield
    except OSError as error:
        raise JobFailed(
            FailureCode.MODEL_UNREADABLE,
            say("weight-file-not-read", error=str(error)),
            say("copy-to-another-disk"),
        ) from error


def _identity(file: Path) -> tuple[int, ...] | None:
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns
