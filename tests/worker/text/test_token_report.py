"""The report of a data set with a model: lengths, what is cut, tokens a letter, rows with what is learned."""

from datetime import UTC, datetime
from typing import Any

import pytest

from services.worker.failures import FailureCode, JobFailed
from services.worker.text.script_tokens import MOST_CHARACTERS, text_tokens
from services.worker.text.token_report import Reader, token_report
from shared.messages.render import told
from shared.reports.data_tokens import TokenReport
from shared.reports.data_tokens_text import tokens_text
from shared.reports.stored import read_stored
from shared.schemas.requests import DatasetReportRequest
from tests.worker.text.families import FAMILIES, tokenizer_of
from tests.worker.text.test_targets import chat
from tests.worker.training.tiny_bases import Rows, WriteRows

CHATML = next(family for family in FAMILIES if family.name == "ChatML")
NOW = datetime(2026, 1, 2, tzinfo=UTC)
UNKNOWN = "뷁쮏"  # syllables that this tokenizer has only as bytes


def conversations(count: int, answer: str = "Seoul.") -> Rows:
    return [{"messages": chat(f"The capital of {number}?", answer)} for number in range(count)]


def report_of(
    write_rows: WriteRows, rows: Rows, validation: Rows | None = None, limit: int = 512, **fields: Any
) -> TokenReport:
    request = DatasetReportRequest.model_validate({"dataset": "d", **fields})
    datasets = {"training": write_rows(rows, "chat")}
    if validation is not None:
        datasets["validation"] = write_rows(validation, "chat")
    reader = Reader("tiny", tokenizer_of(CHATML), limit)
    return token_report(reader, request, datasets, now=NOW)


def test_ten_rows_from_all_parts_are_rendered_with_what_is_learned_marked(write_rows: WriteRows) -> None:
    report = report_of(write_rows, conversations(31))
    examples = report.training.examples
    assert [one.number for one in examples] == [1, 4, 7, 11, 14, 17, 21, 24, 27, 31]
    assert examples[0].marked.endswith("<|im_start|>assistant\n⟦Seoul.<|im_end|>⟧\n")
    (start, end), text = examples[0].learned[0], examples[0].text
    assert text[start:end] == "Seoul.<|im_end|>"
    assert 0 < examples[0].learned_tokens < examples[0].tokens
    assert [told(one.title) for one in report.findings] == []


def test_lengths_are_those_of_the_rows_as_they_are_learned(write_rows: WriteRows) -> None:
    part = report_of(write_rows, conversations(20)).training
    lengths = sorted(example.tokens for example in part.examples)
    assert (part.rows, part.read_rows, part.truncated_rows, part.cut_ratio) == (20, 20, 0, 0.0)
    assert part.tokens.longest >= lengths[-1] >= part.tokens.p50 >= lengths[0]
    assert part.characters_per_token > 1


def test_rows_that_are_cut_are_a_finding_with_what_to_do(write_rows: WriteRows) -> None:
    rows = [*conversations(9), *conversations(1, "The sky is blue. " * 30)]
    report = report_of(write_rows, rows, limit=40)
    assert (report.training.truncated_rows, report.training.cut_ratio, report.training.cut_answers) == (
        1,
        0.1,
        1,
    )
    (finding,) = report.findings
    assert (finding.id, finding.severity, finding.part, finding.count) == (
        "rows_truncated", "warning", "training", 1,
    )  # fmt: skip
    assert (finding.unit, finding.lines) == ("row", (10,))
    assert [told(one) for one in finding.evidence] == [
        "The first, counted from the first row of the data set: 10."
    ]
    assert f"Raise max_seq_length to {report.training.longest_tokens}" in told(finding.title)


def test_a_tokenizer_that_takes_three_tokens_a_syllable_is_a_finding_with_numbers(
    write_rows: WriteRows,
) -> None:
    report = report_of(write_rows, conversations(12, UNKNOWN * 8))
    hangul = next(one for one in report.training.scripts if one.script == "hangul")
    assert (hangul.letters, hangul.tokens, hangul.tokens_per_letter) == (12 * 16, 3 * 12 * 16, 3.0)
    assert hangul.times_as_many == pytest.approx(3.75)
    (finding,) = (one for one in report.findings if one.id == "tokenizer_knows_little")
    assert (
        told(finding.title)
        == "The tokenizer of `tiny` knows little of Korean and takes 3.8 times as many tokens as usual."
    )
    assert told(finding.evidence[0]) == (
        "576 tokens for 192 syllables: 3 a syllable. Tokenizers that know Korean take about 0.8."
    )
    assert finding.remedy is not None
    assert "EXAONE" in told(finding.remedy)


def test_few_letters_of_a_script_are_no_reason_for_a_finding(write_rows: WriteRows) -> None:
    rows = [*conversations(40), *conversations(1, UNKNOWN)]
    assert report_of(write_rows, rows).findings == ()


def test_validation_rows_are_counted_apart(write_rows: WriteRows) -> None:
    report = report_of(write_rows, conversations(12), conversations(4, "The sky is blue. " * 30), limit=40)
    assert report.validation is not None
    assert (report.validation.rows, report.validation.truncated_rows) == (4, 4)
    assert [(one.id, one.part) for one in report.findings] == [("rows_truncated", "validation")]


def test_rows_of_which_nothing_is_learned_fail_with_the_reason(write_rows: WriteRows) -> None:
    with pytest.raises(JobFailed) as failed:
        report_of(write_rows, conversations(3, "yes"), limit=8)
    assert failed.value.failure.code == FailureCode.DATASET_INVALID


def test_the_report_is_read_back_and_its_result_has_all_but_rows_and_text(write_rows: WriteRows) -> None:
    report = report_of(write_rows, conversations(12), conversations(2))
    assert read_stored(TokenReport, report.model_dump(mode="json")) == report
    assert report.text == tokens_text(report)
    assert "⟦Seoul.<|im_end|>⟧" in report.text
    kept = read_stored(TokenReport, report.result())
    assert kept.training.examples == ()
    assert kept.training.tokens == report.training.tokens
    assert "⟦" not in tokens_text(kept)


def test_texts_are_looked_at_up_to_a_bound() -> None:
    looked_at = text_tokens(("The sky is blue. " * 100 for _ in range(10_000)), tokenizer_of(CHATML))
    assert MOST_CHARACTERS <= looked_at.characters < MOST_CHARACTERS + 200_000
    (latin,) = looked_at.scripts
    assert (latin.script, latin.letters) == ("latin", looked_at.characters // 17 * 12)
