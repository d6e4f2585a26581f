"""Reports as they are stored: strict where one is made, open where a file of another release is read."""

from collections.abc import Iterator
from typing import Any, get_args

import pytest
from pydantic import ValidationError

from shared.messages.document import in_sentences
from shared.messages.message import Message, say
from shared.messages.render import told
from shared.reports.evaluation import Classification
from shared.reports.finding import Finding
from shared.reports.fine_tuning import FineTuning
from shared.reports.load import LoadReport
from shared.reports.preparation import Preparation
from shared.reports.rows import RowsUsed
from shared.reports.stored import Stored, read_stored
from tests.stored_samples import REPORTS, stored

FINDING = {"id": "a", "severity": "info", "title": say("trial-title"), "evidence": (say("trial"),)}


@pytest.mark.parametrize("name", ["load_diagnosis", "preparation"])
def test_a_report_is_written_with_the_fields_it_was_written_with_before(name: str) -> None:
    assert read_stored(LoadReport, stored(name)).model_dump(mode="json") == stored(name)


def test_a_preparation_keeps_every_value_of_a_stored_one() -> None:
    result = stored("model_preparation_record")["result"]
    assert read_stored(Preparation, result).model_dump(mode="json") == result


def test_scores_and_row_counts_keep_every_value_of_stored_ones() -> None:
    evaluation = stored("evaluation_record")["result"]
    scores = read_stored(Classification, evaluation).model_dump(mode="json")
    assert scores == {name: evaluation[name] for name in Classification.model_fields}
    training = stored("fine_tuning_record")["result"]
    for part in (FineTuning, RowsUsed):
        kept = read_stored(part, training).model_dump(mode="json")  # with fields of later releases
        assert kept.keys() == part.model_fields.keys()
        assert all(training.get(name, value) == value for name, value in kept.items())


def test_a_fine_tuning_of_an_earlier_release_may_lack_all_but_its_model() -> None:
    """Its losses were null where they were not numbers."""
    measured = {"validation": [{"step": 3, "loss": None}, {"step": 6, "loss": 0.5}], "train_loss": None}
    early = read_stored(FineTuning, {"fine_tuned_model": "ft:m:x", "later": 1, **measured})
    assert (early.steps, early.train_loss, early.labels, early.read_rows) == (0, None, None, None)
    assert [one.loss for one in early.validation] == [None, 0.5]
    assert early.lowest == early.validation[1]
    with pytest.raises(ValidationError):
        FineTuning.model_validate({"fine_tuned_model": "ft:m:x"})


@pytest.mark.parametrize("name", REPORTS)
def test_nothing_that_an_earlier_release_stored_goes_blank(name: str) -> None:
    """A field renamed without a thought for stored files fails here."""
    file = stored(name)
    assert list(lost(file, read_stored(LoadReport, file).model_dump(mode="json"))) == []


def test_a_lost_value_would_be_noticed() -> None:
    file = {"a": [{"b": 1, "c": None}], "d": 2}
    assert list(lost(file, {"a": [{"b": 2}]})) == ["/a/0/b", "/d"]


def lost(file: Any, read: Any, path: str = "") -> Iterator[str]:
    """Where the file has a value that was not read."""
    if isinstance(file, dict):
        for name, value in file.items():
            yield from lost(value, read.get(name) if isinstance(read, dict) else None, f"{path}/{name}")
    elif isinstance(file, list) and isinstance(read, list) and len(file) == len(read):
        for number, (value, other) in enumerate(zip(file, read, strict=True)):
            yield from lost(value, other, f"{path}/{number}")
    elif file is not None and file != read:
        yield path


WRONG: list[dict[str, Any]] = [
    {"titel": say("a")},
    {"title": None},
    {"title": "A"},
    {"evidence": ["A"]},
    {"severity": "grave"},
    {"remedies": None},
]


@pytest.mark.parametrize("change", WRONG)
def test_whoever_makes_a_part_of_a_report_must_know_its_fields(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Finding.model_validate(FINDING | change)


def test_fields_and_words_of_later_releases_and_nulls_are_read_over() -> None:
    later = FINDING | {"severity": "grave", "new": {"a": 1}, "remedies": None, "evidence": None}
    finding = read_stored(Finding, later)
    assert (finding.id, finding.title, finding.severity) == ("a", say("trial-title"), "grave")
    assert (finding.evidence, finding.remedies) == ((), ())


@pytest.mark.parametrize("name", REPORTS)
def test_what_a_release_before_messages_said_is_told_in_its_own_words(name: str) -> None:
    file = stored(name)
    report = read_stored(LoadReport, file)
    for finding, kept in zip(report.findings, file["findings"], strict=True):
        assert told(finding.title) == kept["title"]
        assert [told(sentence) for sentence in finding.evidence] == kept["evidence"]
        assert [told(remedy.action) for remedy in finding.remedies] == [
            one["action"] for one in kept["remedies"]
        ]
    assert in_sentences(file) == file


def test_a_report_becomes_sentences_with_their_ids_and_values_beside_them() -> None:
    message = say("hub-asked-title")
    finding = Finding(id="a", severity="info", title=message, evidence=(say("later-loads-find-it"), message))
    kept = finding.model_dump(mode="json")
    spoken = in_sentences(kept)
    assert spoken["title"] == told(message)
    assert Message.model_validate(spoken["title_message"]) == message
    assert spoken["evidence"] == ["Later loads find the model in the cache.", told(message)]
    assert spoken["evidence_messages"] == kept["evidence"]
    assert read_stored(Finding, kept) == finding


def test_names_that_a_user_chose_are_no_message() -> None:
    labels = {"message_id": {"f1": 1.0}, "values": {"f1": 0.5}}
    assert in_sentences({"labels": labels}) == {"labels": labels}


@pytest.mark.parametrize(("change", "place"), [({"title": 5}, "title"), ({"remedies": [{}]}, "action")])
def test_a_value_of_no_use_is_told_with_its_name(change: dict[str, Any], place: str) -> None:
    with pytest.raises(ValidationError) as refused:
        read_stored(Finding, FINDING | change)
    assert [error["loc"][-1] for error in refused.value.errors()] == [place]


def test_what_stands_in_for_a_field_is_of_a_field_that_must_be_given() -> None:
    parts = list(every_part(Stored))
    assert len(parts) >= 25
    for part in parts:
        for name in part.lacking:
            assert name in part.model_fields, f"{part.__name__} has no {name}"


def test_a_field_that_must_be_given_but_may_be_null_can_be_read_again() -> None:
    """Reading takes a null for absent, so that something must stand in for it."""
    for part in every_part(Stored):
        for name, field in part.model_fields.items():
            if field.is_required() and type(None) in get_args(field.annotation):
                assert name in part.lacking, f"{part.__name__}.{name}"


def every_part(base: type[Stored]) -> Iterator[type[Stored]]:
    for part in base.__subclasses__():
        yield part
        yield from every_part(part)
