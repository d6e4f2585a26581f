"""The storage's place among others, on a logarithmic scale of bytes a second."""

import math
from dataclasses import dataclass

from services.api.page_kit.scales import LogScale
from shared.messages.message import Message, say
from shared.messages.render import told
from shared.reports.load import LoadReport

SLOWEST, FASTEST = 10e6, 10e9
REFERENCES = ((say("hard-disk-label"), 150e6), (say("sata-ssd-label"), 550e6), (say("nvme-ssd-label"), 3e9))
HOST_SHARE = (say("windows-drive-label"), 90e6, 250e6)


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

    def mark(name: Message, bytes_per_second: float) -> Mark:
        return Mark(told(name), bytes_per_second, scale.percent(bytes_per_second), total / bytes_per_second)

    share, slow, fast = HOST_SHARE
    return DiskScale(
        storage=mark(say("this-storage-label"), here),
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
        said = say(
            "about-a-typical-row",
            here_bytes_per_second=here, disk=name, typical_bytes_per_second=reference,
        )  # fmt: skip
    elif ratio > 1:
        said = say(
            "times-a-typical-row",
            here_bytes_per_second=here, disk=name, typical_bytes_per_second=reference, times=f"{ratio:.1f}",
        )  # fmt: skip
    else:
        said = say(
            "part-of-a-typical-row",
            here_bytes_per_second=here, disk=name, typical_bytes_per_second=reference, share_ratio=ratio,
        )  # fmt: skip
    return told(said)
