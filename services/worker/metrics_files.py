"""The worker's files of metrics: their room is taken before prometheus_client maps them."""

import logging
import os
from pathlib import Path

from shared.metric_files import VARIABLE, take_room

logger = logging.getLogger(__name__)

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
    try:
        take_room([Path(folder) / f"{kind}_{os.getpid()}.db" for kind in KINDS], FILE_BYTES)
    except OSError as error:
        logger.warning("the metrics of process %d are lost: %s: %s", os.getpid(), folder, error.strerror)
        del os.environ[VARIABLE]
        return False
    return True
