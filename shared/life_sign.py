"""Where each of a worker's processes gives its sign of life: the time of an empty file."""

from pathlib import Path

WORKER_FOLDER = "worker"  # in the data folder


def life_sign(data_dir: Path, host: str, pid: int) -> Path:
    """Touched every second by each of the worker's two processes; an old one means a process that hangs."""
    return data_dir / WORKER_FOLDER / f"{host}.{pid}.alive"
