"""One class has one spelling; what only looks alike stays apart and is told."""

import unicodedata

import pytest

from shared.datasets.labels import clean_label, look_alikes, missing_words, says_truth_twice


@pytest.mark.parametrize(
    ("raw", "label", "changes"),
    [
        ("스팸", "스팸", ()),
        (unicodedata.normalize("NFD", "스팸"), "스팸", ("nfc",)),
        ("spam\u200b", "spam", ("invisible",)),
        ("\ufeffspam", "spam", ("invisible",)),
        ("sp\u00adam\u200e", "spam", ("invisible",)),
        ("not\u00a0spam", "not spam", ("spaces",)),
        ("  not \t spam\n", "not spam", ("spaces",)),
        ("\u3000스팸\u3164", "스팸", ("invisible", "spaces")),
        ("spam\u200d", "spam", ("invisible",)),
        ("1.0", "1", ("whole",)),
        ("-2.00", "-2", ("whole",)),
        ("1.5", "1.5", ()),
        ("v1.0", "v1.0", ()),
        ("👩\u200d💻", "👩\u200d💻", ()),
        ("می\u200cخواهم", "می\u200cخواهم", ()),
        ("\u200b", "", ("invisible",)),
    ],
)
def test_a_label_is_brought_to_one_spelling(raw: str, label: str, changes: tuple[str, ...]) -> None:
    assert clean_label(raw) == (label, changes)
    assert clean_label(label) == (label, ())


def test_labels_that_differ_by_case_width_or_joints_look_alike() -> None:
    labels = ["spam", "SPAM", "ＳＰＡＭ", "not spam", "not_spam", "not-spam", "ham", "c", "c++"]
    assert look_alikes(labels) == [["SPAM", "spam", "ＳＰＡＭ"], ["not spam", "not-spam", "not_spam"]]


def test_words_for_a_missing_value_are_known_by_their_spelling() -> None:
    assert missing_words(["nan", "none", "None", "ham", "N/A"]) == ["N/A", "None", "nan"]


def test_truth_in_words_and_in_numbers_is_seen() -> None:
    assert says_truth_twice(["true", "1"])
    assert not says_truth_twice(["true", "false"])
    assert not says_truth_twice(["0", "1", "2"])


def test_labels_that_differ_by_what_readers_overlook_look_alike() -> None:
    groups = [
        ["non-spam", "non\u2010spam", "non\u2013spam", "non\u2011spam"],
        ["spam", "\u201cspam\u201d", "\u0455\u0440\u0430m"],  # the last begins in Cyrillic
    ]
    for group in groups:
        assert look_alikes(group) == [sorted(group)]


def test_numbers_with_another_sign_do_not_look_alike() -> None:
    assert look_alikes(["-1", "0", "1", "\u22122", "2", "-", "--"]) == []
