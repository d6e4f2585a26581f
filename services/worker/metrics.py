"""The worker's metrics. The child counts, the main process serves; counters outlive a child.

prometheus_client keeps each process's values in files (its multiprocess mode, see `__main__`). A dead child's
counters stay and go on adding up; its gauges go away with it.
"""

import math
import os
import resource
import time
from collections.abc import Mapping
from pathlib import Path

import psutil

from services.worker.metrics_files import reserve_files

IS_SEEN = reserve_files()  # before prometheus_client maps its files

from prometheus_client import (  # noqa: E402
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    make_wsgi_app,
    multiprocess,
)

from services.worker.process.metrics_server import serve_metrics  # noqa: E402

_STEP_BUCKETS = (0.05, 0.1, 0.2, 0.5, 1, 1.5, 2, 3, 4, 6, 8, 12, 16, 20, 30, 45, 60, 120, 300)
_LOAD_BUCKETS = (0.5, 1, 2, 5, 10, 15, 30, 45, 60, 90, 120, 180, 300, 600)
# Where a base came from: a checkpoint of one of four kinds, its quantized copy, or memory.
LOAD_SOURCES = ("folder", "hub_cache", "hub", "prepared", "artifact", "resident")
# Where a step's time goes, and what happens between two steps.
STEP_PHASES = (
    "data", "copy", "forward", "recomputation", "backward", "head_and_loss", "optimizer", "logging", "rest",
)  # fmt: skip
# As reports call it, and as the metric does.
BETWEEN = {"validation": "validation", "saving": "save", "reporting": "reporting", "other": "other"}
PHASES = (*STEP_PHASES, *BETWEEN.values())

METRICS: list[tuple[str, str, tuple[str, ...], str]] = []


def _counter(name: str, help: str, *labels: str) -> Counter:
    METRICS.append((name, "counter", labels, help))
    return Counter(name, help, labels)


def _gauge(name: str, help: str, *labels: str) -> Gauge:
    METRICS.append((name, "gauge", labels, help))
    return Gauge(name, help, labels, multiprocess_mode="livemostrecent")


def _histogram(name: str, help: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
    METRICS.append((name, "histogram", labels, help))
    return Histogram(name, help, labels, buckets=buckets)


STEP_SECONDS = _histogram(
    "tunedock_train_step_seconds", "Wall time of optimizer steps (s/it).", _STEP_BUCKETS
)
LAST_STEP = _gauge("tunedock_train_last_step_timestamp_seconds", "When the last optimizer step ended.")
PHASE_SECONDS = _counter(
    "tunedock_train_phase_seconds_total", "Time spent in each phase of steps, and between steps.", "phase"
)
TOKENS = _counter(
    "tunedock_train_tokens_total",
    "Tokens trained on: real are the rows' own, computed those put through the layers.",
    "type",
)
LOSS = _gauge("tunedock_train_loss", "Training loss of the last step.")
GRAD_NORM = _gauge("tunedock_train_grad_norm", "Gradient norm of the last step before clipping.")
LEARNING_RATE = _gauge("tunedock_train_learning_rate", "Learning rate of the last step.")
PROGRESS = _gauge("tunedock_train_progress_ratio", "Steps done of the running fine-tuning job's steps.")
ETA_SECONDS = _gauge("tunedock_train_eta_seconds", "Time until the running fine-tuning job's last step.")
UTILIZED = _gauge(
    "tunedock_train_mfu_ratio", "Arithmetic the last step's rows need, over what the device can do meanwhile."
)
LOAD_SECONDS = _gauge("tunedock_model_load_seconds", "Time of each phase of the last model load.", "phase")
LOAD_DURATION = _histogram(
    "tunedock_model_load_duration_seconds", "Wall time of model loads.", _LOAD_BUCKETS, "source"
)
STAGED_LOADS = _counter(
    "tunedock_model_staged_loads_total",
    "Model loads before which a job put the files out of memory, or into it, to measure them.",
    "source",
)
LOAD_BYTES = _gauge("tunedock_model_load_bytes", "Bytes of weight files of the last model load.", "source")
READ_RATE = _gauge(
    "tunedock_storage_read_bytes_per_second", "Cold read rate that was measured last.", "storage"
)
RESIDENT = _gauge("tunedock_model_resident", "1 for the base model that is in memory.", "model")
PREDICTION_ERROR = _gauge(
    "tunedock_prediction_error_ratio", "Measured over predicted, less 1, of the last prediction.", "quantity"
)
MEMORY = _gauge(
    "tunedock_gpu_memory_bytes", "Memory of the device; without a card that of the process.", "gpu", "type"
)
DISK_FREE = _gauge("tunedock_disk_free_bytes", "Free space of the hub cache's disk.", "storage")
DATA_BYTES = _gauge(
    "tunedock_data_bytes", "Bytes that the data folder takes on its disk, by what they are for.", "kind"
)
UTILIZATION = _gauge(
    "tunedock_gpu_utilization_ratio",
    "Share of time the device computed; without a card the processor.",
    "gpu",
)
POWER = _gauge("tunedock_gpu_power_watts", "Power the card draws.", "gpu")
CLOCK = _gauge("tunedock_gpu_clock_hertz", "Clock of the device's cores.", "gpu")
THROTTLED = _gauge(
    "tunedock_gpu_throttled", "1 while the card is slowed down, by what slows it.", "gpu", "reason"
)


def record_step(
    *,
    step: int,
    total_steps: int,
    loss: float,
    grad_norm: float,
    learning_rate: float,
    step_seconds: float,
    eta_seconds: float,
    real_tokens: int,
    computed_tokens: int,
    phase_seconds: dict[str, float],
    between_seconds: dict[str, float],
    utilization: float | None,
) -> None:
    """One optimizer step ended; `utilization` None where it is not known."""
    STEP_SECONDS.observe(step_seconds)
    LAST_STEP.set(time.time())
    for phase, seconds in phase_seconds.items():
        PHASE_SECONDS.labels(phase).inc(seconds)
    for bucket, seconds in between_seconds.items():
        PHASE_SECONDS.labels(BETWEEN[bucket]).inc(seconds)
    TOKENS.labels("real").inc(real_tokens)
    TOKENS.labels("computed").inc(computed_tokens)
    LOSS.set(loss)
    GRAD_NORM.set(grad_norm)
    LEARNING_RATE.set(learning_rate)
    PROGRESS.set(step / total_steps)
    ETA_SECONDS.set(eta_seconds)
    UTILIZED.set(math.nan if utilization is None else utilization)


def record_training_start() -> None:
    """A fine-tuning job begins; until its first step nothing of the one before it is shown."""
    PROGRESS.set(0)
    for gauge in (LOSS, GRAD_NORM, LEARNING_RATE, ETA_SECONDS, UTILIZED):
        gauge.set(math.nan)


def record_load(
    *, source: str, phase_seconds: dict[str, float], weight_bytes: int, staged: bool = False
) -> None:
    """One model load ended; `source` is one of `LOAD_SOURCES`.

    `staged`: its files were put out of memory or into it first, so its time says nothing of other loads'.
    """
    for phase, seconds in phase_seconds.items():
        LOAD_SECONDS.labels(phase).set(seconds)
    LOAD_BYTES.labels(source).set(weight_bytes)  # first: a load that is counted is told apart by its bytes
    if staged:
        STAGED_LOADS.labels(source).inc()  # likewise
    LOAD_DURATION.labels(source).observe(sum(phase_seconds.values()))


def record_no_load(seconds: float) -> None:
    """A job found its base in memory, `seconds` after it asked for it."""
    LOAD_DURATION.labels("resident").observe(seconds)


def record_read_rate(storage: str, bytes_per_second: float) -> None:
    """What was measured of `hub_cache`, `models`, `data` or a storage by its name."""
    READ_RATE.labels(storage).set(bytes_per_second)


def record_prediction(quantity: str, predicted: float, measured: float) -> None:
    """What was foretold has been measured; `quantity` has the unit in its name: `load_seconds`.

    A prediction of 0 has no ratio and says nothing.
    """
    if predicted > 0:
        PREDICTION_ERROR.labels(quantity).set(measured / predicted - 1)


def record_resident(model: str | None) -> None:
    """`model` is in memory now, and no other."""
    for (known,) in list(RESIDENT._metrics):
        RESIDENT.labels(known).set(0)
    if model is not None:
        RESIDENT.labels(model).set(1)


def record_disk_use(bytes_by_kind: Mapping[str, int]) -> None:
    """What the data folder holds, all kinds at once."""
    for kind, count in bytes_by_kind.items():
        DATA_BYTES.labels(kind).set(count)


def record_process_memory() -> None:
    """Memory where there is no card: the process's resident set and its peak."""
    MEMORY.labels("cpu", "used").set(psutil.Process().memory_info().rss)
    MEMORY.labels("cpu", "peak").set(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)


def record_card_memory(*, gpu: int, allocated: int, reserved: int, peak: int, free: int, total: int) -> None:
    """The allocator's share of a card's memory, in bytes; `free` and `total` as the driver says.

    What the allocator holds beyond all that the card has in use has gone to main memory: Windows moves it
    there without an error, and every access crosses the bus.
    """
    MEMORY.labels(str(gpu), "allocated").set(allocated)
    MEMORY.labels(str(gpu), "reserved").set(reserved)
    MEMORY.labels(str(gpu), "peak").set(peak)
    MEMORY.labels(str(gpu), "spilled").set(max(0, reserved - (total - free)))


def serve(host: str, port: int) -> None:
    """Serve `/metrics` from a thread of the main process. Raises OSError when the port is taken.

    Loads, phases and tokens count from 0 on: of a series that begins with its first load or step, no rate
    would see that one, and the seconds of a first step's phases would be missing beside the step's own.
    """
    for source in LOAD_SOURCES:
        LOAD_DURATION.labels(source)
        STAGED_LOADS.labels(source)
    for phase in PHASES:
        PHASE_SECONDS.labels(phase)
    for kind in ("real", "computed"):
        TOKENS.labels(kind)
    registry = REGISTRY
    if IS_SEEN:
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)
    serve_metrics(make_wsgi_app(registry), host, port)


def forget_dead_processes() -> None:
    """Drop the gauges of children that are gone."""
    folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    for path in Path(folder).glob("gauge_live*_*.db") if folder else ():
        pid = int(path.stem.rpartition("_")[2])
        if not psutil.pid_exists(pid):
            multiprocess.mark_process_dead(pid)
