"""What the worker computes on, and what to do when the card that was asked for can't be used."""

from pathlib import Path
from typing import Literal

import torch

from services.worker import metrics
from shared.messages.message import Message, say
from shared.messages.render import render


class DeviceMissing(Exception):
    """The card that the settings ask for can't be used; `said` is what is missing, and what to do."""

    def __init__(self, said: Message) -> None:
        super().__init__(render(said))
        self.said = said


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


def _missing() -> Message:
    if not torch.backends.cuda.is_built():
        return say("worker-torch-without-cuda", torch=torch.__version__)
    if not any(Path("/dev").glob("nvidia[0-9]*")) and not Path("/dev/dxg").exists():
        return say("worker-sees-no-card")
    try:
        torch.cuda.init()
    except Exception as error:  # torch raises RuntimeError and its own
        return say("cuda-does-not-start", cuda=torch.version.cuda, error=str(error))
    return say("torch-finds-no-card")
