"""What a machine had for a load: memory, what its disks did, how fast one reads."""

from collections.abc import Mapping
from typing import Any, ClassVar

from shared.reports.stored import Said, Stored


class Memory(Stored):
    """Main memory in bytes; what could not be read is None, with the reason in `unknown`."""

    total_bytes: int | None = None
    available_bytes: int | None = None
    swap_total_bytes: int | None = None
    swap_free_bytes: int | None = None
    cgroup_limit_bytes: int | None = None
    """Smallest limit of this process's control groups; None: no limit below the machine's memory."""
    cgroup_used_bytes: int | None = None
    """In the group with that limit, without the file pages that the kernel can drop."""
    unknown: dict[str, Said] = {}

    @property
    def usable_bytes(self) -> int | None:
        """What this process and its page cache may take now."""
        amounts = [] if self.available_bytes is None else [self.available_bytes]
        if self.cgroup_limit_bytes is not None:
            amounts.append(max(0, self.cgroup_limit_bytes - (self.cgroup_used_bytes or 0)))
        return min(amounts, default=None)


class DiskActivity(Stored):
    """What a disk did in a short window in which we left it alone."""

    device: str | None = None
    window_seconds: float = 0.0
    busy_ratio: float | None = None
    """Share of the window with a request in flight, 0 to 1."""
    read_bytes_per_second: float | None = None
    written_bytes_per_second: float | None = None
    stalled_ratio: float | None = None
    """Share of the window in which some task of the machine waited for a disk (/proc/pressure/io)."""
    unknown: dict[str, Said] = {}


class Pressure(Stored):
    """Of one stretch of work; a part that the kernel does not show is None."""

    seconds: float
    swapped_in_bytes: int | None = None
    """Read back from swap by all programs of the machine."""
    memory_stalled_ratio: float | None = None
    """Share of the time in which some task of the machine waited for memory (/proc/pressure/memory)."""
    processor_limit: float | None = None
    """Processors that the control groups allow; None: as many as there are."""
    processor_throttled_ratio: float | None = None
    """Share of the scheduler's periods in which that limit stopped the group."""


class ProcessorUse(Stored):
    """Who had the processors during one stretch of work; a part that the kernel does not show is None."""

    seconds: float
    processors: float
    """That this process may use, after its limits."""
    threads: int
    """That the work computes with."""
    own_processors: float | None = None
    """Processor seconds of this process ÷ seconds."""
    others_processors: float | None = None
    """Likewise of all other programs of the machine, its kernel included."""
    waited_ratio: float | None = None
    """Of the time in which threads of this process had work, the share in which they had to wait for a
    processor: others had it, or a limit was used up (/proc/self/task/*/schedstat)."""


class Rate(Stored):
    """One way of reading; where it could not be measured `bytes_per_second` is None and `reason` says why."""

    bytes_per_second: float | None = None
    slowest_bytes_per_second: float | None = None
    """Of the regions; far below the mean where a disk's speed depends on the place or on credits."""
    read_bytes: int = 0
    reason: Said | None = None


class Latency(Stored):
    """Seconds from asking for 4 KiB at a random place until they are there, past the page cache."""

    median_seconds: float | None = None
    p95_seconds: float | None = None
    requests: int = 0
    reason: Said | None = None


class ReadSpeed(Stored):
    """Measured on the model's own files."""

    lacking: ClassVar[Mapping[str, Any]] = {
        "direct": {}, "buffered": {}, "mapped": {}, "warm": {}, "small": {},
    }  # fmt: skip

    direct: Rate
    """Cold, O_DIRECT, 8 MiB a read."""
    buffered: Rate
    """Cold, through the page cache, 16 MiB a read."""
    mapped: Rate
    """Cold, by memory mapping from front to back: how safetensors files are read when nobody reads ahead."""
    warm: Rate
    """From the page cache."""
    small: Latency

    @property
    def limit_bytes_per_second(self) -> float | None:
        """The storage's speed limit: the better of the cold large reads.

        O_DIRECT falls behind buffered reads on media limited by requests, and the other way round elsewhere.
        """
        rates = [self.direct.bytes_per_second, self.buffered.bytes_per_second]
        return max((rate for rate in rates if rate is not None), default=None)
