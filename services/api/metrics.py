"""The API's `/metrics`: requests as this process and its siblings saw them, jobs as the store counts them."""

import logging
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from prometheus_client import CollectorRegistry, Gauge, Histogram, generate_latest, values
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from shared.errors import StoreUnavailable
from shared.job_records import Census
from shared.job_store import JobStore
from shared.jobs import KINDS, TERMINAL
from shared.metric_files import VARIABLE, take_room

# As the store's scripts keep them (shared/job_scripts/_common.lua).
WAIT_BUCKETS = (0.5, 1, 2, 5, 10, 30, 60, 300, 900, 3600, 14400, 86400)
DURATION_BUCKETS = (5, 15, 30, 60, 120, 300, 600, 1800, 3600, 10800, 21600, 43200, 86400)
# Each of them is a series for every route and class of answers.
REQUEST_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5, 30, 300)
TRY_RESULTS = ("delivered", "retried", "given_up")
STREAM_KINDS = ("job", "all")
FILE_BYTES = 1 << 19  # of a process: twice what all routes and classes of answers take
GAUGE_BYTES = 1 << 16  # what prometheus_client begins with
KNOWN_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class MetricDescription:
    """One metric as docs/metrics.md lists it."""

    name: str
    type: Literal["counter", "gauge", "histogram"]
    labels: tuple[str, ...]
    help: str


METRICS = [
    MetricDescription("tunedock_jobs_total", "counter", ("kind", "status"), "jobs that ended, by how"),
    MetricDescription("tunedock_job_records", "gauge", ("kind", "status"), "jobs the store knows"),
    MetricDescription("tunedock_queue_length", "gauge", ("kind",), "jobs that may start, and wait"),
    MetricDescription(
        "tunedock_queue_waiting_for_jobs", "gauge", ("kind",), "jobs that wait for other jobs to succeed"
    ),
    MetricDescription(
        "tunedock_queue_oldest_seconds", "gauge", (), "how long the first in the queue has waited"
    ),
    MetricDescription("tunedock_queue_paused", "gauge", (), "1 while the whole queue is paused, else 0"),
    MetricDescription(
        "tunedock_job_wait_seconds",
        "histogram",
        ("kind",),
        "from submit, or from the end of the jobs before it, to the first start",
    ),
    MetricDescription(
        "tunedock_job_duration_seconds", "histogram", ("kind", "status"), "from the first start to the end"
    ),
    MetricDescription(
        "tunedock_worker_heartbeat_timestamp_seconds",
        "gauge",
        (),
        "when the worker was last heard of; 0 if not within the last minute",
    ),
    MetricDescription("tunedock_store_up", "gauge", (), "1 while the job store answers, else 0"),
    MetricDescription(
        "tunedock_store_memory_bytes",
        "gauge",
        ("type",),
        "memory of the job store: used, and its limit if any",
    ),
    MetricDescription(
        "tunedock_webhook_tries_total",
        "counter",
        ("result",),
        "tries of webhooks: delivered, retried (it failed and is tried again), given_up",
    ),
    MetricDescription("tunedock_webhooks_due", "gauge", (), "webhooks that are still to be delivered"),
    MetricDescription(
        "tunedock_webhooks_failed",
        "gauge",
        (),
        "webhooks that were given up, or not sent since their address wants no more, and whose jobs are here",
    ),
    MetricDescription(
        "tunedock_event_streams",
        "gauge",
        ("kind",),
        "streams of live events that are open: of one job, or of all jobs",
    ),
    MetricDescription("tunedock_disk_free_bytes", "gauge", ("storage",), "free space of a storage's disk"),
    MetricDescription(
        "tunedock_http_request_duration_seconds",
        "histogram",
        ("method", "route", "status"),
        "time until the headers of the answer are sent; the status is its class, 2xx, 4xx or 5xx",
    ),
]
_BY_NAME = {metric.name: metric for metric in METRICS}


class Place:
    """Which of the server's places this process has; its successor there counts on in the same file."""

    def __init__(self) -> None:
        self.name = "main"

    def share_counts(self) -> None:
        """Count in files of `PROMETHEUS_MULTIPROC_DIR`; to be called before a metric is made."""
        values.ValueClass = values.MultiProcessValue(lambda: self.name)  # type: ignore[no-untyped-call]

    def take(self, name: str) -> None:
        """This process has the place `name`; where no room is for its file, it counts unseen, and lives."""
        self.name = name
        folder = os.environ[VARIABLE]
        try:
            take_room([Path(folder) / f"histogram_{name}.db"], FILE_BYTES)
            take_room([Path(folder) / f"gauge_livesum_{name}.db"], GAUGE_BYTES)
        except OSError as error:
            values.ValueClass = values.MutexValue
            _log.warning("the metrics of process %d are lost: %s: %s", os.getpid(), folder, error.strerror)


PLACE = Place()


class HttpMetrics:
    """Times of requests. With `folder`, the sums of all processes that share it, else of this one."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        metric = _BY_NAME["tunedock_http_request_duration_seconds"]
        self._seconds = Histogram(
            metric.name, metric.help, metric.labels, buckets=REQUEST_BUCKETS, registry=CollectorRegistry()
        )

    def observe(self, *, method: str, route: str, status: int, seconds: float) -> None:
        known = method if method in KNOWN_METHODS else "other"
        self._seconds.labels(known, route, f"{status // 100}xx").observe(seconds)

    def register(self, registry: CollectorRegistry) -> None:
        if self._folder:
            MultiProcessCollector(registry, str(self._folder))  # type: ignore[no-untyped-call]
        else:
            registry.register(self._seconds)


class StreamMetrics:
    """How many streams of live events are open, in all processes that share the folder of metrics."""

    def __init__(self) -> None:
        metric = _BY_NAME["tunedock_event_streams"]
        self._open = Gauge(
            metric.name, metric.help, metric.labels, multiprocess_mode="livesum", registry=CollectorRegistry()
        )

    def begin(self) -> None:
        """Of a process that starts: whoever had its place before took its streams along."""
        for kind in STREAM_KINDS:
            self._open.labels(kind).set(0)

    @contextmanager
    def one(self, job_id: str | None) -> Iterator[None]:
        """While a stream is open. `job_id`: None is of all jobs."""
        streams = self._open.labels("all" if job_id is None else "job")
        streams.inc()
        try:
            yield
        finally:
            streams.dec()


@dataclass(frozen=True, eq=False)  # a registry knows its collectors by identity
class JobCollector(Collector):
    """Counts that the store keeps, so that restarts and several processes can't disagree about them."""

    store: JobStore

    def collect(self) -> Iterable[Metric]:
        try:
            census = self.store.census()
            beats = [worker.beat_timestamp_seconds for worker in self.store.workers()]
        except StoreUnavailable as refusal:
            _log.warning("no job metrics in this scrape: %s", refusal.message)
            yield _gauge("tunedock_store_up", 0)
            return
        yield _gauge("tunedock_store_up", 1)
        memory = _gauge("tunedock_store_memory_bytes")
        for type_, count in zip(("used", "limit"), census.memory_bytes, strict=True):
            if count:
                memory.add_metric([type_], count)
        yield memory
        yield _ended(census)
        records = _gauge("tunedock_job_records")
        for (kind, status), count in census.records.items():
            records.add_metric([kind, status], count)
        yield records
        for name, counts in (
            ("tunedock_queue_length", census.queue_length),
            ("tunedock_queue_waiting_for_jobs", census.waiting_for_jobs),
        ):
            lengths = _gauge(name)
            for kind, count in counts.items():
                lengths.add_metric([kind], count)
            yield lengths
        yield _gauge("tunedock_queue_oldest_seconds", census.oldest_queued_seconds)
        yield _gauge("tunedock_queue_paused", int(census.queue_paused))
        yield _gauge("tunedock_worker_heartbeat_timestamp_seconds", max(beats, default=0.0))
        yield _webhook_tries(census)
        yield _gauge("tunedock_webhooks_due", census.webhooks_due)
        yield _gauge("tunedock_webhooks_failed", census.webhooks_failed)
        waits: dict[tuple[str, ...], str] = {(kind,): f"wait:{kind}" for kind in KINDS}
        yield _histogram("tunedock_job_wait_seconds", waits, WAIT_BUCKETS, census.counters)
        ends: dict[tuple[str, ...], str] = {
            (kind, status): f"duration:{kind}:{status}" for kind in KINDS for status in TERMINAL
        }
        yield _histogram("tunedock_job_duration_seconds", ends, DURATION_BUCKETS, census.counters)


@dataclass(frozen=True, eq=False)  # a registry knows its collectors by identity
class DiskCollector(Collector):
    """Free space where files are kept, by the storage's name."""

    storages: Mapping[str, Path]

    def collect(self) -> Iterable[Metric]:
        free = _gauge("tunedock_disk_free_bytes")
        for name, path in self.storages.items():
            try:
                free.add_metric([name], shutil.disk_usage(path).free)
            except FileNotFoundError:
                continue  # in containers the worker alone may have it
            except OSError as error:
                _log.warning("can't measure the storage %s: %s", name, error.strerror)
        yield free


def metrics_text(http: HttpMetrics, store: JobStore, storages: Mapping[str, Path]) -> bytes:
    """All metrics in Prometheus's text format."""
    registry = CollectorRegistry()
    http.register(registry)
    registry.register(JobCollector(store))
    registry.register(DiskCollector(storages))
    return generate_latest(registry)


def _gauge(name: str, value: float | None = None) -> GaugeMetricFamily:
    metric = _BY_NAME[name]
    if value is not None:
        return GaugeMetricFamily(name, metric.help, value=value)
    return GaugeMetricFamily(name, metric.help, labels=metric.labels)


def _ended(census: Census) -> CounterMetricFamily:
    metric = _BY_NAME["tunedock_jobs_total"]
    family = CounterMetricFamily(metric.name, metric.help, labels=metric.labels)
    for kind in KINDS:
        for status in TERMINAL:
            family.add_metric([kind, status], census.counters.get(f"ended:{kind}:{status}", 0))
    return family


def _webhook_tries(census: Census) -> CounterMetricFamily:
    metric = _BY_NAME["tunedock_webhook_tries_total"]
    family = CounterMetricFamily(metric.name, metric.help, labels=metric.labels)
    for result in TRY_RESULTS:
        family.add_metric([result], census.counters.get(f"webhook:{result}", 0))
    return family


def _histogram(
    name: str,
    counters_of: Mapping[tuple[str, ...], str],
    buckets: tuple[float, ...],
    counters: Mapping[str, float],
) -> HistogramMetricFamily:
    """`counters_of`: labels → what their counters' names begin with. The store has plain counts a bucket."""
    metric = _BY_NAME[name]
    family = HistogramMetricFamily(name, metric.help, labels=metric.labels)
    for labels, prefix in counters_of.items():
        count, reached = counters.get(f"{prefix}:count", 0), 0.0
        rows: list[tuple[str, float]] = []
        for bucket in buckets:
            reached += counters.get(f"{prefix}:{bucket:g}", 0)
            rows.append((str(float(bucket)), reached))
        family.add_metric(list(labels), [*rows, ("+Inf", count)], sum_value=counters.get(f"{prefix}:sum", 0))
    return family
