"""The report of a load diagnosis as it is stored: written by the worker, read by API, page and command."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from shared.reports.finding import AppliedRemedy, Finding
from shared.reports.load_facts import LoadFacts
from shared.reports.stored import Stored, Word

RunName = Literal["as_found", "cold", "warm", "prepared_cold", "prepared", "resident"]
"""`resident`: in no file; how a page names the one load of a report whose model was in memory already."""


class LoadRun(Stored):
    """One load of the diagnosis beside the limit its storage sets."""

    lacking: ClassVar[Mapping[str, Any]] = {"phase_seconds": {}, "weight_bytes": 0}

    name: Word[RunName]
    """Of the checkpoint, with its files partly, not or all in memory; of the prepared copy likewise."""
    total_seconds: float
    phase_seconds: dict[str, float]
    weight_bytes: int
    cached_bytes_before: int | None = None
    limit_seconds: float | None = None
    """weight_bytes ÷ the storage's rate; None where it is unknown and for warm runs, which none limits."""


class LoadSummary(Stored):
    """Null where it was not measured."""

    lacking: ClassVar[Mapping[str, Any]] = {"shards": 1}

    weight_bytes: int
    shards: int
    limit_bytes_per_second: float | None = None
    limit_seconds: float | None = None
    """weight_bytes ÷ limit: no load from this storage is faster."""
    total_seconds: float | None = None
    phase_seconds: dict[str, float] | None = None
    shard_seconds: float | None = None
    """Of everything done for the tensors, a shard."""
    achieved_ratio: float | None = None
    """Rate of the load's reading over the limit; only where its bytes came from storage."""
    runs: tuple[LoadRun, ...] = ()
    storage_seconds: float | None = None
    """Reading, cold less warm."""
    storage_in_noise: bool = False
    """The warm load took as long as the cold one, or longer: their difference tells nothing of storage."""
    quantize_seconds: float | None = None
    """Quantizing and casting: a load less its storage, less warm from the prepared copy."""
    fixed_seconds: float | None = None
    """Warm from the prepared copy: what is left."""


class LoadReport(Stored):
    """Everything a diagnosis found. Readers go by `schema_version`; a new field does not raise it."""

    lacking: ClassVar[Mapping[str, Any]] = {"findings": (), "facts": {}, "text": ""}

    schema_version: Literal[1] = 1
    kind: Literal["load_diagnostic"] = "load_diagnostic"
    model: str
    measured_at: float | None = None
    """UTC seconds; None in a file that does not say."""
    summary: LoadSummary
    findings: tuple[Finding, ...]
    """Ranked: what prevents a load, then by seconds saved."""
    facts: LoadFacts
    applied: tuple[AppliedRemedy, ...] = ()
    """What this job did about them, in order."""
    text: str
    """The same for people, as plain lines in English; `load_text` has them in other languages."""

    def result(self) -> dict[str, Any]:
        """What the job's record keeps: the summary, each finding's id, severity and title, and the text."""
        return {
            "model": self.model,
            "load_seconds": self.summary.total_seconds,
            "limit_seconds": self.summary.limit_seconds,
            "summary": self.summary.model_dump(mode="json"),
            "findings": [
                finding.model_dump(mode="json", include={"id", "severity", "title"})
                for finding in self.findings
            ],
            "text": self.text,
        }
