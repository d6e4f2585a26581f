"""What a benchmark writes down: its rows in the form of docs/contract.md, and the machine they are from."""

import os
import platform
import statistics
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import torch


@dataclass
class Samples:
    """Values by (arm, case, metric), in the order they came."""

    values: dict[tuple[str, str, str], list[float]] = field(default_factory=dict)

    def add(self, arm: str, case: str, metric: str, value: float) -> None:
        self.values.setdefault((arm, case, metric), []).append(value)

    def rows(self) -> list[dict[str, Any]]:
        return [
            {
                "arm": arm,
                "case": case,
                "metric": metric,
                "unit": "bytes" if metric.endswith("bytes") else "s",
                "median": statistics.median(values),
                "min": min(values),
                "max": max(values),
                "repeats": len(values),
            }
            for (arm, case, metric), values in self.values.items()
        ]


def machine() -> dict[str, Any]:
    model = next(
        (line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
         if line.startswith("model name")), platform.processor(),
    )  # fmt: skip
    return {
        "cpu": model,
        "cores": os.cpu_count(),
        "memory_bytes": psutil.virtual_memory().total,
        "kernel": platform.release(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "card": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
    }


def say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)
