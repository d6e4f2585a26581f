"""Something found in a data set as the sandboxed examiner says it; outside it is a `DataFinding`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from shared.datasets.findings import Tally
from shared.messages.said import Said

Severity = Literal["error", "warning", "note"]


@dataclass(frozen=True)
class Noted:
    """`lines` are the first of the `count` rows it is about."""

    id: str
    severity: Severity
    title: Said
    evidence: tuple[Said, ...] = ()
    remedy: Said | None = None
    lines: tuple[int, ...] = ()
    count: int = 0

    @classmethod
    def of_rows(
        cls,
        id: str,
        severity: Severity,
        tally: Tally,
        title: Said,
        remedy: Said | None = None,
        evidence: Sequence[Said] = (),
    ) -> Noted:
        """Of the rows that `tally` counted."""
        return cls(id, severity, title, tuple(evidence), remedy, tuple(tally.numbers), tally.count)
