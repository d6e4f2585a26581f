"""Accuracy, precision, recall and F1 from counts."""

import pytest

from services.worker.evaluation.confusion import classification_scores, confusion_matrix


def test_scores_are_those_computed_by_hand() -> None:
    truth = [1, 1, 1, 0, 0, 0, 0, 0]
    answers = [1, 1, 0, 0, 0, 0, 1, 0]
    matrix = confusion_matrix(truth, answers, 2)
    assert matrix == [[4, 1], [1, 2]]
    scores = classification_scores(matrix, ["ham", "spam"]).model_dump(mode="json")
    assert scores["accuracy"] == 6 / 8
    assert scores["labels"]["spam"] == {
        "precision": pytest.approx(2 / 3),
        "recall": pytest.approx(2 / 3),
        "f1": pytest.approx(2 / 3),
        "support": 3,
    }
    assert scores["labels"]["ham"]["f1"] == pytest.approx(0.8)
    assert scores["macro"]["f1"] == pytest.approx((0.8 + 2 / 3) / 2)
    assert scores["confusion_matrix"] == {"labels": ["ham", "spam"], "rows": [[4, 1], [1, 2]]}


def test_a_label_never_answered_has_zeros_and_one_without_rows_is_not_in_the_mean() -> None:
    matrix = confusion_matrix([0, 0, 1], [0, 0, 0], 3)
    scores = classification_scores(matrix, ["a", "b", "c"]).model_dump(mode="json")
    assert scores["labels"]["b"] == {"precision": 0.0, "recall": 0.0, "f1": 0.0, "support": 1}
    assert scores["macro"]["recall"] == 0.5
