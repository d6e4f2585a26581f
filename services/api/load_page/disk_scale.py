"""The storage's place among others, on a logarithmic scale of bytes a second."""

import math
from dataclasses import dataclass

from services.api.page_kit.scales import LogScale
from shared.reports.load import LoadReport
from shared.units import rate

SLOWEST, FASTEST = 10e6, 10e9
REFERENCES = (("hard disk", 150e6), ("SATA SSD", 550e6), ("NVMe SSD", 3e9))
HOST_SHARE = ("9p: Windows drives in WSL 2", 90e6, 250e6)


@dataclass(frozen=True)
class Mark:
    """`at` in percent of the width; `seconds`: what the model's bytes take at this rate."""

    name: str
    bytes_per_second: float
    at: float
    seconds: float


@dataclass(frozen=True)
class DiskScale:
    """`ends` are the rates at both ends; `minor` where the lines between the powers of ten stand."""

    storage: Mark
    references: tuple[Mark, ...]
    host_share: tuple[Mark, Mark]
    ends: tuple[float, float]
    minor: tuple[float, ...]
    words: str


def disk_scale(report: LoadReport) -> DiskScale | None:
    """None where the storage's rate is not known."""
    here, total = report.summary.limit_bytes_per_second, report.summary.weight_bytes
    if not here or here <= 0:
        return None
    scale = LogScale.around(here, low=SLOWEST, high=FASTEST)

    def mark(name: str, bytes_per_second: float) -> Mark:
        return Mark(name, bytes_per_second, scale.percent(bytes_per_second), total / bytes_per_second)

    share, slow, fast = HOST_SHARE
    return DiskScale(
        storage=mark("this storage", here),
        references=tuple(mark(name, reference) for name, reference in REFERENCES),
        host_share=(mark(share, slow), mark(share, fast)),
        ends=(scale.low, scale.high),
        minor=scale.minor,
        words=_words(here),
    )


def _words(here: float) -> str:
    name, reference = min(REFERENCES, key=lambda mark: abs(math.log(here / mark[1])))
    ratio = here / reference
    if 0.75 <= ratio <= 1.33:
        compared = "about"
    elif ratio > 1:
        compared = f"{ratio:.1f} times"
    else:
        compared = f"{ratio:.0%} of"
    return f"{rate(here)}: {compared} what a typical {name} reads ({rate(reference)})"
