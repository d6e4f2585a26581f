"""Right and wrong answers counted, and what follows from the counts."""

from collections.abc import Sequence

from shared.reports.evaluation import Classification, ConfusionMatrix, LabelScores, MeanScores


def confusion_matrix(truth: Sequence[int], answers: Sequence[int], labels: int) -> list[list[int]]:
    """`matrix[i][j]`: rows of label i that were answered j."""
    matrix = [[0] * labels for _ in range(labels)]
    for true, answer in zip(truth, answers, strict=True):
        matrix[true][answer] += 1
    return matrix


def classification_scores(matrix: Sequence[Sequence[int]], labels: Sequence[str]) -> Classification:
    """Accuracy, and for each label precision, recall, F1 and support (its rows); `macro` is their plain mean.

    A ratio without cases is 0: a label never answered has precision 0. Labels that no row has don't count
    in the means.
    """
    total = sum(map(sum, matrix))
    right = sum(matrix[index][index] for index in range(len(labels)))
    each = {label: _scores_of(matrix, index) for index, label in enumerate(labels)}
    present = [scores for scores in each.values() if scores.support]
    return Classification(
        accuracy=_ratio(right, total),
        labels=each,
        macro=MeanScores(
            precision=_ratio(sum(scores.precision for scores in present), len(present)),
            recall=_ratio(sum(scores.recall for scores in present), len(present)),
            f1=_ratio(sum(scores.f1 for scores in present), len(present)),
        ),
        confusion_matrix=ConfusionMatrix(labels=tuple(labels), rows=tuple(tuple(row) for row in matrix)),
    )


def _scores_of(matrix: Sequence[Sequence[int]], index: int) -> LabelScores:
    hits, support = matrix[index][index], sum(matrix[index])
    answered = sum(row[index] for row in matrix)
    return LabelScores(
        precision=_ratio(hits, answered),
        recall=_ratio(hits, support),
        f1=_ratio(2 * hits, answered + support),
        support=support,
    )


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else 0.0
