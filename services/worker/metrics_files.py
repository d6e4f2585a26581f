"""Room for the files that prometheus_client maps into memory, taken before it does.

It makes sparse files and writes to them through the mapping: on a disk that is full the kernel ends such a
writer with SIGBUS. Blocks that are allocated beforehand can always be written.
"""

import logging
import os
from pathlib import Path

logger = logging.getLogger(__name__)

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
KINDS = (
    "counter",
    "histogram",
    "gauge_livemostrecent",
)  # a file a process each, see `services.worker.metrics`
FILE_BYTES = 1 << 16  # what prometheus_client begins with; the worker's values take a third of it


def reserve_files() -> bool:
    """Allocate this process's files in the folder that `PROMETHEUS_MULTIPROC_DIR` names.

    Without room there the variable is removed: this process then counts in its own memory, where nobody sees
    it, and lives. Returns whether its metrics are seen. To be called before prometheus_client is imported.
    """
    folder = os.environ.get(VARIABLE)
    if folder is None:
        return False
    paths = [Path(folder) / f"{kind}_{os.getpid()}.db" for kind in KINDS]
    try:
        for path in paths:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                os.posix_fallocate(descriptor, 0, FILE_BYTES)
            finally:
                os.close(descriptor)
    except OSError as error:
        logger.warning("the metrics of process %d are lost: %s: %s", os.getpid(), folder, error.strerror)
        del os.environ[VARIABLE]
        for path in paths:
            path.unlink(missing_ok=True)
        return False
    return True
