"""Where a worker keeps its own small files."""

import glob
from pathlib import Path

from services.worker.process.handover import Handover
from shared.life_sign import WORKER_FOLDER


def worker_folder(data_dir: Path) -> Path:
    """Lock, drain order and life sign of the workers of this installation; made when missing."""
    folder = data_dir / WORKER_FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def device_lock(data_dir: Path, host: str) -> Path:
    return worker_folder(data_dir) / f"{host}.lock"


def drain_order(data_dir: Path, host: str) -> Path:
    """Exists while the worker is told to finish: the child saves a checkpoint and hands its job back."""
    return worker_folder(data_dir) / f"{host}.drain"


def life_signs(data_dir: Path, host: str) -> list[Path]:
    """Of all processes that this worker ever had and that nobody cleared away."""
    return sorted(worker_folder(data_dir).glob(f"{glob.escape(host)}.*.alive"))


def state_file(data_dir: Path, host: str) -> Path:
    """What the child last said of itself: device, resident model, what keeps it from work."""
    return worker_folder(data_dir) / f"{host}.state.json"


def handover(data_dir: Path, host: str) -> Handover:
    return Handover(worker_folder(data_dir) / f"{host}.handover")
