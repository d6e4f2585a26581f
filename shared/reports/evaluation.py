"""How often which label was right, as the result of an evaluation keeps it."""

from collections.abc import Mapping
from typing import Any, ClassVar

from shared.reports.stored import Stored


class MeanScores(Stored):
    """The plain means over the labels that some row has."""

    lacking: ClassVar[Mapping[str, Any]] = {"precision": 0.0, "recall": 0.0}

    precision: float
    recall: float
    f1: float


class LabelScores(Stored):
    """A ratio without cases is 0. `support`: rows that have the label."""

    precision: float
    recall: float
    f1: float
    support: int


class ConfusionMatrix(Stored):
    """`rows[i][j]`: how many rows with label i were answered as label j."""

    labels: tuple[str, ...]
    rows: tuple[tuple[int, ...], ...]

    @property
    def right(self) -> int:
        return sum(row[index] for index, row in enumerate(self.rows))


class Classification(Stored):
    """The scores of a classification; a part of an evaluation's result."""

    accuracy: float
    labels: dict[str, LabelScores]
    macro: MeanScores
    confusion_matrix: ConfusionMatrix
