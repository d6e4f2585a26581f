"""Counts the validation rows that are among the training rows, by hashes, from two files of ours."""

from collections.abc import Iterator
from pathlib import Path

from shared.datasets.findings import Tally
from shared.messages.said import say
from shared.schemas.datasets import DatasetSummary, DatasetWarning

ROWS_COMPARED = 1_000_000
_BEFORE_LABEL = b'", "label": "'


def overlap(training: Path, validation: Path, summary: DatasetSummary) -> DatasetWarning | None:
    """What to tell of validation rows that are learned, too; `summary` is of the validation rows.

    Rows are normalised lines; of a labelled one its text counts. Only the first `ROWS_COMPARED` validation
    rows are looked for.
    """
    labelled = summary.format == "classification"
    wanted = {key: number for number, key in _keys(validation, labelled) if number <= ROWS_COMPARED}
    learned = {key for _, key in _keys(training, labelled) if key in wanted}
    tally = Tally()
    for number, key in _keys(validation, labelled):
        if key in learned:
            tally.add(number)
    if not tally.count:
        return None
    said = say("validation-overlaps", rows=tally.count, of=summary.rows)
    return DatasetWarning(
        code="validation_overlaps",
        message=tally.located(said, "row").message,
        count=tally.count,
        lines=tally.numbers,
    )


def _keys(path: Path, labelled: bool) -> Iterator[tuple[int, int]]:
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            yield number, hash(line[: line.rfind(_BEFORE_LABEL)] if labelled else line)
