"""What the worker says of itself: into the store for the API, into a file for its own health check."""

import json
import logging
import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from services.worker.process.paths import state_file
from shared.errors import StoreUnavailable
from shared.settings import Settings
from shared.worker_store import WorkerStore

logger = logging.getLogger(__name__)


def tell_state(
    settings: Settings,
    store: WorkerStore,
    *,
    device: str | None = None,
    hf_cache: str | None = None,
    caches: dict[str, Any] | None = None,
    resident_model: str | None = None,
    problem: str | None = None,
) -> None:
    """Show device, cache folders and resident base, or the `problem` that keeps this worker from work:
    a stored message.
    """
    state = {
        "device": device,
        "hf_cache": hf_cache,
        "caches": caches,
        "resident_model": resident_model,
        "problem": problem,
        "pid": os.getpid(),
    }
    _write(state_file(settings.data_dir, settings.worker_host), state)
    fields = {"resident_model": resident_model or "", "problem": problem or ""}
    if device:
        fields["device"] = device
    try:
        store.worker_beat(settings.worker_host, fields)
    except StoreUnavailable as refusal:
        logger.warning("%s The worker's state is shown later.", refusal.message)


def _write(path: Path, state: Mapping[str, object]) -> None:
    """Whole, though it need not outlive a power loss: no wait for a busy disk, no end on a full one."""
    draft = path.with_name(f".{path.name}.{threading.get_ident()}")  # a job's thread tells its state too
    try:
        draft.write_text(json.dumps(state))
        draft.replace(path)
    except OSError as error:
        logger.warning("the worker's state can't be written to %s: %s", path, error.strerror)
