"""What a diagnosis says is data: it becomes sentences of any language where somebody reads it."""

import re
from collections.abc import Iterator

import pytest

from services.worker.diagnosis.checks import run_checks
from shared.messages.catalog import add_language
from shared.messages.message import Message, Value
from shared.messages.render import reader_of, told
from shared.reports.finding import Finding
from shared.reports.load_facts import LoadFacts
from tests.shared.messages.made_up import LANGUAGE, made_up_language
from tests.worker.diagnosis.diagnosed import recorded
from tests.worker.diagnosis.test_checks import CAUSES

ALL_FACTS = [recorded("exaone_float32_on_a_hard_disk"), *(facts for _, _, facts in CAUSES)]
UNITS = {"GB", "MB", "kB", "bytes", "s", "ms", "µs"}


@pytest.fixture(autouse=True)
def _made_up() -> Iterator[None]:
    add_language(LANGUAGE, made_up_language())
    yield
    add_language(LANGUAGE, "")


def said(finding: Finding) -> Iterator[str | Message]:
    yield from (finding.title, *finding.evidence)
    for remedy in finding.remedies:
        yield remedy.action
        if remedy.assumes is not None:
            yield remedy.assumes


def words_of(value: Value) -> Iterator[str]:
    """The words in a message's values: paths, names, what a library said."""
    if isinstance(value, Message):
        yield from (word for inner in value.values.values() for word in words_of(inner))
    elif isinstance(value, tuple):
        yield from (word for inner in value for word in words_of(inner))
    elif isinstance(value, str):
        yield from re.findall(r"[A-Za-z]+", value)


@pytest.mark.parametrize("facts", ALL_FACTS, ids=lambda _: "")
def test_a_finding_in_another_language_has_no_english_left(facts: LoadFacts) -> None:
    for finding in run_checks(facts):
        for message in said(finding):
            assert isinstance(message, Message)
            with reader_of(LANGUAGE):
                sentence = told(message)
            assert "⟪" in sentence or message.message_id == "as-told"
            left = set(re.findall(r"[A-Za-zµ]+", re.sub(r"⟪[^⟫]*⟫", " ", sentence)))
            assert left <= UNITS | set(words_of(message)), sentence


@pytest.mark.parametrize("facts", ALL_FACTS, ids=lambda _: "")
def test_every_sentence_has_its_values_and_no_mark_of_a_missing_one(facts: LoadFacts) -> None:
    for finding in run_checks(facts):
        for message in said(finding):
            sentence = told(message)
            assert not re.search(r"[{}?]|\bNone\b", sentence), sentence
            assert not sentence.startswith(message.message_id if isinstance(message, Message) else " ")
