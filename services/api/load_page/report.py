"""What the page takes from a job's report.json; the rest, and what other releases add, is passed over."""

from typing import Literal

from services.api.load_page.facts import Facts
from services.api.load_page.part import Part, Text


class Run(Part):
    """One load, timed. `name`: as_found, cold, warm, prepared_cold, prepared."""

    name: Text
    total_seconds: float
    phase_seconds: dict[Text, float] = {}
    weight_bytes: int = 0
    limit_seconds: float | None = None
    cached_bytes_before: int | None = None


class Summary(Part):
    weight_bytes: int
    shards: int = 1
    limit_bytes_per_second: float | None = None
    limit_seconds: float | None = None
    total_seconds: float | None = None
    phase_seconds: dict[Text, float] = {}
    shard_seconds: float | None = None
    achieved_ratio: float | None = None
    runs: tuple[Run, ...] = ()
    storage_seconds: float | None = None
    storage_in_noise: bool = False
    quantize_seconds: float | None = None
    fixed_seconds: float | None = None


class Remedy(Part):
    action: Text
    kind: Text | None = None
    """What a job can carry out: `Applied.remedy`."""
    storage: Text | None = None
    command: Text | None = None
    saves_seconds: float | None = None
    predicted_seconds: float | None = None
    """Of the whole load after it."""
    assumes: Text | None = None


class Finding(Part):
    id: Text
    severity: Text
    title: Text
    evidence: tuple[Text, ...] = ()
    remedies: tuple[Remedy, ...] = ()


class Applied(Part):
    """A remedy that the job carried out."""

    remedy: Text
    action: Text
    storage: Text | None = None
    before_seconds: float | None = None
    predicted_seconds: float | None = None
    measured_seconds: float | None = None
    limit_seconds: float | None = None
    note: Text | None = None


class LoadReport(Part):
    """The report of a `load_diagnostic` or a `model_preparation` job."""

    schema_version: Literal[1] = 1
    model: Text
    measured_at: float | None = None
    """UTC seconds."""
    summary: Summary
    findings: tuple[Finding, ...] = ()
    applied: tuple[Applied, ...] = ()
    facts: Facts = Facts()
