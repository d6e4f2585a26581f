"""What an evaluation came to: loss, and for classification how often which label was right."""

from collections.abc import Mapping, Sequence
from typing import Any

from services.cli.outcome.lines import count, grid, pairs
from services.cli.outcome.rows import row_notes
from services.cli.watch import duration_text
from shared.reports.evaluation import Classification, ConfusionMatrix, LabelScores
from shared.reports.stored import read_stored
from shared.schemas import JobRecord

LABELS_IN_A_MATRIX = 8
CONFUSIONS_TOLD = 10
LONGEST_LABEL = 24


def evaluated_text(record: JobRecord, result: dict[str, Any]) -> str:
    """The whole outcome of one evaluation."""
    right = read_stored(Classification, result) if "accuracy" in result else None
    lines = [f"{subject(record)} on {count(result.get('rows', 0), 'row')}"]
    lines += pairs([
        ("loss", f"{result['loss']:.4f}" if "loss" in result else ""),
        ("accuracy", _accuracy(right, result.get("rows", 0)) if right else ""),
        ("macro F1", f"{right.macro.f1:.3f}" if right else ""),
        *(("rows" if number == 0 else "", note) for number, note in enumerate(row_notes(result))),
        ("time", duration_text(result.get("evaluation_seconds", 0.0))),
    ])  # fmt: skip
    if right:
        lines += ["", *grid(_label_rows(right.labels)), "", *confusions(right.confusion_matrix)]
    return "\n".join(lines)


def compared_text(
    before: JobRecord, before_result: dict[str, Any], after: JobRecord, after_result: dict[str, Any]
) -> str:
    """Both evaluations of the same rows side by side; the second one's labels whole."""
    names, old, new = ["loss", "accuracy", "macro F1"], scores(before_result), scores(after_result)
    rows = [("", "before", "after", "change")]
    rows += [
        (name, f"{old[name]:.4f}", f"{new[name]:.4f}", f"{new[name] - old[name]:+.4f}")
        for name in names
        if name in old and name in new
    ]
    return "\n".join([
        f"before: {subject(before)}",
        f"after:  {subject(after)}",
        "",
        *grid(rows),
        *_other_choice(before_result, after_result),
        "",
        evaluated_text(after, after_result),
    ])  # fmt: skip


def _other_choice(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Where an adapter knows labels that the rows don't have, it chose among more."""
    numbers = [len(result.get("labels") or ()) for result in (before, after)]
    if numbers[0] == numbers[1]:
        return []
    return [f"  before chose among {count(numbers[0], 'label')}, after among {count(numbers[1], 'label')}"]


def subject(record: JobRecord) -> str:
    """What was evaluated."""
    return str(record.request.get("adapter") or record.request.get("model") or "the default model")


def scores(result: dict[str, Any]) -> dict[str, float]:
    """The numbers that sum an evaluation up."""
    found = {"loss": result.get("loss"), "accuracy": result.get("accuracy")}
    found["macro F1"] = result.get("macro", {}).get("f1")
    return {name: float(value) for name, value in found.items() if value is not None}


def confusions(matrix: ConfusionMatrix) -> list[str]:
    """The matrix where it is small; of many labels the most frequent mistakes."""
    labels, rows = matrix.labels, matrix.rows
    if len(labels) <= LABELS_IN_A_MATRIX:
        head = ["is ↓  answered →", *(_short(label) for label in labels)]
        body = [[_short(label), *map(str, row)] for label, row in zip(labels, rows, strict=True)]
        return grid([head, *body])
    mistakes = sorted(
        (
            (number, labels[true], labels[answer])
            for true, row in enumerate(rows)
            for answer, number in enumerate(row)
            if number and true != answer
        ),
        key=lambda mistake: -mistake[0],
    )
    told = [f"  {number} × {is_} answered as {said}" for number, is_, said in mistakes[:CONFUSIONS_TOLD]]
    more = len(mistakes) - len(told)
    rest = [f"  and {count(more, 'other confusion')}; --json has the whole matrix"] if more > 0 else []
    return ["Most frequent mistakes:" if told else "No mistakes.", *told, *rest]


def _accuracy(right: Classification, rows: int) -> str:
    return f"{right.accuracy:.1%} ({right.confusion_matrix.right:,} of {rows:,} right)"


def _label_rows(labels: Mapping[str, LabelScores]) -> Sequence[Sequence[str]]:
    head = ("label", "precision", "recall", "F1", "rows")
    return [
        head,
        *(
            (
                _short(label),
                *(f"{score:.3f}" for score in (one.precision, one.recall, one.f1)),
                f"{one.support:,}",
            )
            for label, one in labels.items()
        ),
    ]


def _short(label: str) -> str:
    return label if len(label) <= LONGEST_LABEL else f"{label[: LONGEST_LABEL - 1]}…"
