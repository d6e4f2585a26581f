"""What the worker computes on, and what to do when the card that was asked for can't be used."""

from pathlib import Path
from typing import Literal

import torch

from services.worker import metrics


class DeviceMissing(Exception):
    """The card that the settings ask for can't be used; the text says what is missing and what to do."""


def find_device(wanted: Literal["auto", "cuda", "cpu"]) -> torch.device:
    """The device for `TUNEDOCK_DEVICE`. Raises DeviceMissing when that is `cuda` and no card can be used."""
    if wanted == "cpu":
        return torch.device("cpu")
    if torch.cuda.is_available():
        return torch.device("cuda")
    if wanted == "auto":
        return torch.device("cpu")
    raise DeviceMissing(_missing())


def device_name(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"


def record_memory(device: torch.device) -> None:
    """Put what this process holds of the device's memory into the metrics."""
    if device.type != "cuda":
        metrics.record_process_memory()
        return
    free, total = torch.cuda.mem_get_info(device)
    metrics.record_card_memory(
        gpu=torch.cuda.current_device(),
        allocated=torch.cuda.memory_allocated(device),
        reserved=torch.cuda.memory_reserved(device),
        peak=torch.cuda.max_memory_allocated(device),
        free=free,
        total=total,
    )


def _missing() -> str:
    if not torch.backends.cuda.is_built():
        return (
            f"TUNEDOCK_DEVICE is cuda, but torch {torch.__version__} was built without CUDA. Install it "
            "again without TUNEDOCK_TORCH_INDEX, or set TUNEDOCK_DEVICE=cpu (with compose: COMPOSE_FILE in "
            ".env, with compose.cpu.yaml)."
        )
    if not any(Path("/dev").glob("nvidia[0-9]*")) and not Path("/dev/dxg").exists():
        return (
            "TUNEDOCK_DEVICE is cuda, but this worker sees no NVIDIA card. Look whether the driver runs "
            "(nvidia-smi) and the container toolkit hands the card on; without a card set "
            "TUNEDOCK_DEVICE=cpu (with compose: COMPOSE_FILE in .env, with compose.cpu.yaml)."
        )
    try:
        torch.cuda.init()
    except Exception as error:  # torch raises RuntimeError and its own
        return (
            f"TUNEDOCK_DEVICE is cuda, but CUDA {torch.version.cuda} does not start on the card: {error}. A "
            "driver that is too old is the usual cause: CUDA 13 needs driver 580 or newer."
        )
    return "TUNEDOCK_DEVICE is cuda, but torch finds no card; nvidia-smi and ./tunedock doctor tell more."
