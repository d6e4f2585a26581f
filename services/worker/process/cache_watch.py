"""A look at the model caches now and then, told with the worker's state: the doctor may see neither."""

import logging
import os
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from huggingface_hub import constants

from services.worker.diagnosis.cache_rules import cache_variables, what_decides
from services.worker.models.hub.cache_folder import applied_move
from shared.cache_choice import OLD_CACHE_FOLDERS
from shared.cache_facts import CachesSeen, SeenCache
from shared.settings import Settings
from shared.storage import find_mount, parse_mountinfo, storage_of

logger = logging.getLogger(__name__)

LOOK_SECONDS = 60.0
WAIT_SECONDS = 1.0


class CacheWatch:
    """The caches as they were at most `LOOK_SECONDS` ago; later if their disk does not answer."""

    def __init__(self, settings: Settings, environment: Mapping[str, str] = os.environ) -> None:
        self._settings = settings
        self._environment = environment
        self._lock = threading.Lock()
        self._look: threading.Thread | None = None
        self._next_look = 0.0
        self._seen: dict[str, Any] | None = None

    def latest(self) -> dict[str, Any] | None:
        """`CachesSeen` as JSON; None before the first look has ended. Raises nothing, waits for a second."""
        with self._lock:
            due = time.monotonic() >= self._next_look and not (self._look and self._look.is_alive())
            if due:
                self._next_look = time.monotonic() + LOOK_SECONDS
                # A network folder whose server is gone holds whoever asks, for ever: not a job's own thread.
                self._look = threading.Thread(target=self._try_to_look, name="cache-watch", daemon=True)
                with suppress(RuntimeError):  # no thread may be started: a look less
                    self._look.start()
                    self._look.join(WAIT_SECONDS)
        return self._seen

    def _try_to_look(self) -> None:
        try:
            self._seen = look(self._settings, self._environment).model_dump(mode="json")
        except Exception:
            logger.exception("the model caches could not be looked at")


def look(settings: Settings, environment: Mapping[str, str]) -> CachesSeen:
    """The caches as they are now."""
    variables = cache_variables(environment)
    hub = Path(constants.HF_HUB_CACHE)
    entry = hub / f"models--{settings.default_model.replace('/', '--')}"
    return CachesSeen(
        hub=_see(hub),
        host=_see(settings.host_hf_cache) if settings.host_hf_cache is not None else None,
        decided_by=what_decides(variables),
        moved=applied_move() is not None,
        ignored=tuple(
            (variable.name, variable.value) for variable in variables if variable.name in OLD_CACHE_FOLDERS
        ),
        holds_default_model=os.path.isdir(entry / "snapshots"),  # noqa: PTH112
    )


def _see(cache: Path) -> SeenCache:
    storage = storage_of(cache)
    return SeenCache(
        path=str(cache),
        exists=os.path.exists(cache),  # noqa: PTH110  (raises nothing)
        readable=os.access(cache, os.R_OK | os.X_OK),
        models=_count_models(cache),
        mount_root=_mount_root(storage.real_path),
        storage=storage,
    )


def _count_models(cache: Path) -> int:
    try:
        return sum(1 for folder in (cache / "hub", cache) for _ in folder.glob("models--*"))
    except OSError:
        return 0


def _mount_root(real_path: str) -> str | None:
    try:
        number = Path(real_path).stat().st_dev
        table = Path("/proc/self/mountinfo").read_text(errors="surrogateescape")
    except OSError:
        return None
    mount = find_mount(parse_mountinfo(table), real_path, f"{os.major(number)}:{os.minor(number)}")
    return mount.root if mount is not None else None
