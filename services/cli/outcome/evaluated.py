"""What an evaluation came to: loss, and for classification how often which label was right."""

from collections.abc import Mapping, Sequence
from typing import Any

from services.cli.outcome.lines import grid, pairs
from services.cli.outcome.rows import row_notes
from services.cli.watch import duration_text
from shared.messages.message import Message, say
from shared.messages.render import shown
from shared.reports.evaluation import Classification, ConfusionMatrix, LabelScores
from shared.reports.stored import read_stored
from shared.schemas.records import JobRecord

LABELS_IN_A_MATRIX = 8
CONFUSIONS_TOLD = 10
LONGEST_LABEL = 24


def evaluated_text(record: JobRecord, result: dict[str, Any]) -> str:
    """The whole outcome of one evaluation."""
    right = read_stored(Classification, result) if "accuracy" in result else None
    lines = [shown(say("evaluated-on-label", model=subject(record), rows=result.get("rows", 0)))]
    lines += pairs([
        (say("loss-label"), f"{result['loss']:.4f}" if "loss" in result else ""),
        (say("accuracy-label"), _accuracy(right, result.get("rows", 0)) if right else ""),
        (say("macro-f1-label"), f"{right.macro.f1:.3f}" if right else ""),
        *((say("rows-label") if number == 0 else "", note) for number, note in enumerate(row_notes(result))),
        (say("time-label"), duration_text(result.get("evaluation_seconds", 0.0))),
    ])  # fmt: skip
    if right:
        lines += ["", *grid(_label_rows(right.labels)), "", *confusions(right.confusion_matrix)]
    return "\n".join(lines)


def compared_text(
    before: JobRecord, before_result: dict[str, Any], after: JobRecord, after_result: dict[str, Any]
) -> str:
    """Both evaluations of the same rows side by side; the second one's labels whole."""
    names, old, new = ["loss", "accuracy", "macro F1"], scores(before_result), scores(after_result)
    heads = (say("compared-before-label"), say("compared-after-label"), say("change-label"))
    rows = [("", *map(shown, heads))]
    rows += [
        (_score(name), f"{old[name]:.4f}", f"{new[name]:.4f}", f"{new[name] - old[name]:+.4f}")
        for name in names
        if name in old and name in new
    ]
    return "\n".join([
        shown(say("before-was-label", model=subject(before))),
        shown(say("after-was-label", model=subject(after))),
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
    return ["  " + shown(say("choices-differ-label", before=numbers[0], after=numbers[1]))]


def _score(name: str) -> str:
    """A score as the reader calls it."""
    names = {"accuracy": say("accuracy-label"), "macro F1": say("macro-f1-label")}
    return shown(names.get(name, say("loss-label")))


def subject(record: JobRecord) -> str:
    """What was evaluated."""
    named = record.request.get("adapter") or record.request.get("model")
    return str(named or shown(say("default-model-label")))


def scores(result: dict[str, Any]) -> dict[str, float]:
    """The numbers that sum an evaluation up."""
    found = {"loss": result.get("loss"), "accuracy": result.get("accuracy")}
    found["macro F1"] = result.get("macro", {}).get("f1")
    return {name: float(value) for name, value in found.items() if value is not None}


def confusions(matrix: ConfusionMatrix) -> list[str]:
    """The matrix where it is small; of many labels the most frequent mistakes."""
    labels, rows = matrix.labels, matrix.rows
    if len(labels) <= LABELS_IN_A_MATRIX:
        head = [shown(say("matrix-label")), *(_short(label) for label in labels)]
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
    if not mistakes:
        return [shown(say("no-mistakes"))]
    told = [
        say("mistake-label", count=number, label=is_, answer=said)
        for number, is_, said in mistakes[:CONFUSIONS_TOLD]
    ]
    if (more := len(mistakes) - len(told)) > 0:
        told.append(say("mistakes-left-label", count=more))
    return [shown(say("frequent-mistakes-label")), *(f"  {shown(one)}" for one in told)]


def _accuracy(right: Classification, rows: int) -> Message:
    return say(
        "right-answers-label", accuracy=f"{right.accuracy:.1%}", right=right.confusion_matrix.right, rows=rows
    )


def _label_rows(labels: Mapping[str, LabelScores]) -> Sequence[Sequence[str]]:
    label, precision, recall, rows = map(
        shown, (say("label-label"), say("precision-label"), say("recall-label"), say("rows-label"))
    )
    head = (label, precision, recall, "F1", rows)
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
