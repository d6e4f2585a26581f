"""Causes that lie in the place of a model and in the machine: disks, mounts, limits, other programs."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.slow_disk import Throttle
from tests.tiny_models import make_tiny_llama
from tests.worker.apart import Order
from tests.worker.diagnosis.cause_files import BF16
from tests.worker.diagnosis.workshop import (
    FOLDER,
    Workshop,
    cached,
    limited,
    mounted,
    of_hub,
    order,
    reader,
    sparse,
)

LARGE = 1_700_000_000  # more than ten seconds at 150 MB/s
SLOW = Throttle(bytes_per_second=12_000_000)
FEW = Throttle(reads_per_second=40)


@contextmanager
def in_memory(workshop: Workshop) -> Iterator[Order]:
    with tempfile.TemporaryDirectory(prefix="causes-", dir="/dev/shm") as place:
        make_tiny_llama(Path(place) / "models" / FOLDER, dtype=BF16, vocab_size=100_000)
        yield order(Path(place))


@contextmanager
def overlay(workshop: Workshop) -> Iterator[Order]:
    """The cache of a container that nobody gave a volume."""
    layers = workshop.fresh()
    cached(workshop, layers / "lower")
    for name in ("upper", "work"):
        (layers / name).mkdir()
    options = [f"{name}dir={layers / name}" for name in ("lower", "upper", "work")]
    with mounted(layers / "merged", "overlay", *options) as place:
        yield of_hub(place)


@contextmanager
def short_memory(workshop: Workshop) -> Iterator[Order]:
    place = workshop.fresh()
    sparse(place / "models" / FOLDER, bytes_=1_000_000_000)
    with limited("memory", memory__limit_in_bytes=512 * 1024**2) as group:
        yield order(place, request={"trial_load": False, "cold": False}, groups=(group,))


@contextmanager
def few_processors(workshop: Workshop) -> Iterator[Order]:
    place = workshop.fresh()
    make_tiny_llama(place / "models" / FOLDER, dtype=BF16, hidden_size=384, layers=12)
    with limited("cpu", cpu__cfs_period_us=100_000, cpu__cfs_quota_us=10_000) as group:
        yield order(place, groups=(group,))


@contextmanager
def slow_disk_small(workshop: Workshop) -> Iterator[Order]:
    # Reading far ahead would fetch more than the small pieces that are timed here.
    with workshop.throttled(SLOW) as group, workshop.read_ahead(128):
        yield order(workshop.large(bytes_=32_000_000), groups=(group,))


@contextmanager
def few_reads_small(workshop: Workshop) -> Iterator[Order]:
    with workshop.throttled(FEW) as group, workshop.read_ahead(128):
        yield order(workshop.large(), groups=(group,))


@contextmanager
def busy_disk(workshop: Workshop) -> Iterator[Order]:
    place = workshop.large(bytes_=24_000_000)
    busy_with = workshop.large(bytes_=24_000_000) / "models" / FOLDER / "model.safetensors"
    throttle = Throttle(bytes_per_second=30_000_000)
    with workshop.throttled(throttle, below=True) as group, reader(busy_with, group):
        yield order(place, groups=(group,), watch_seconds=0.5)


@contextmanager
def slow_disk(workshop: Workshop) -> Iterator[Order]:
    with workshop.throttled(Throttle(bytes_per_second=150_000_000)) as group:
        yield order(workshop.large(bytes_=LARGE), groups=(group,))


@contextmanager
def few_reads(workshop: Workshop) -> Iterator[Order]:
    with workshop.throttled(Throttle(reads_per_second=400)) as group, workshop.read_ahead(128):
        yield order(workshop.large(bytes_=LARGE), groups=(group,))


@contextmanager
def read_ahead_raised(workshop: Workshop) -> Iterator[Order]:
    """What the remedy of `few_reads` says: `blockdev --setra`, in units of 512 bytes."""
    with workshop.throttled(Throttle(reads_per_second=400)) as group, workshop.read_ahead(4096):
        yield order(workshop.large(bytes_=200_000_000), groups=(group,))


@contextmanager
def busy_slow_disk(workshop: Workshop) -> Iterator[Order]:
    place = workshop.large(bytes_=LARGE)
    busy_with = workshop.large() / "models" / FOLDER / "model.safetensors"
    throttle = Throttle(bytes_per_second=150_000_000)
    with workshop.throttled(throttle, below=True) as group, reader(busy_with, group):
        yield order(place, groups=(group,), watch_seconds=1.0)
