"""What the worker tells of the device, read back from the metrics themselves."""

from pathlib import Path

from prometheus_client import REGISTRY

from services.worker import metrics
from services.worker.machine.card import THROTTLE_BITS
from services.worker.machine.telemetry import (
    CardTelemetry,
    Processor,
    find_telemetry,
    record_cache_disk,
)


def value(name: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(name, labels)


def test_without_a_card_the_processor_is_watched() -> None:
    Processor().record()
    share = value("tunedock_gpu_utilization_ratio", gpu="cpu")
    assert share is not None
    assert 0 <= share <= 1
    assert (value("tunedock_gpu_memory_bytes", gpu="cpu", type="total") or 0) > 2**28


def test_a_machine_without_a_driver_is_no_error() -> None:
    assert isinstance(find_telemetry(), (CardTelemetry, Processor))


def test_the_reasons_of_throttling_share_no_bit() -> None:
    bits = list(THROTTLE_BITS.values())
    assert sum(bits) == bits[0] | bits[1] | bits[2]


def test_what_the_allocator_holds_beyond_the_cards_use_has_spilled() -> None:
    gib = 2**30
    metrics.record_card_memory(
        gpu=7, allocated=5 * gib, reserved=7 * gib, peak=6 * gib, free=gib, total=6 * gib
    )
    assert value("tunedock_gpu_memory_bytes", gpu="7", type="spilled") == 2 * gib
    metrics.record_card_memory(
        gpu=7, allocated=gib, reserved=2 * gib, peak=6 * gib, free=3 * gib, total=6 * gib
    )
    assert value("tunedock_gpu_memory_bytes", gpu="7", type="spilled") == 0


def test_the_disk_of_a_cache_that_is_not_there_yet_is_known(tmp_path: Path) -> None:
    record_cache_disk(tmp_path / "hub" / "later")
    assert (value("tunedock_disk_free_bytes", storage="hub_cache") or 0) > 0
