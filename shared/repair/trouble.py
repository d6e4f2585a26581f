"""One thing that is wrong, and what mends it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Code = Literal[
    "record_lost",
    "record_damaged",
    "record_differs",
    "folder_lost",
    "job_files_lost",
    "ended_on_disk",
    "attempt_behind",
    "claimed_by_nobody",
    "spec_lost",
    "copy_lost",
    "copy_damaged",
    "never_accepted",
    "folder_unknown",
    "checkpoint_damaged",
    "adapter_damaged",
    "adapter_lost",
    "model_copy_damaged",
    "upload_damaged",
    "upload_unfinished",
    "lists_disagree",
    "name_without_record",
    "counts_wrong",
    "not_readable",
]


@dataclass(frozen=True)
class Trouble:
    """`about` is a job, a file, a folder, or a count. `mend` returns whether it did: not where the service
    has changed it meanwhile. Without `mend` it is only told.
    """

    code: Code
    about: str
    mend: Callable[[], bool] | None = None
    why: str = ""
