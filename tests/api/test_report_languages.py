"""A report in a second, made-up language: its lines and sentences, and what an earlier release stored."""

import html
import re
from collections.abc import Iterator
from typing import Any

import pytest

from shared.messages.catalog import add_language
from shared.messages.document import in_sentences
from tests.api.conftest import Api
from tests.api.load_reports import broken_report, slow_disk
from tests.shared.messages.made_up import LANGUAGE, left_over, made_up_language
from tests.stored_samples import stored


@pytest.fixture(autouse=True)
def _language() -> Iterator[None]:
    add_language(LANGUAGE, made_up_language())
    yield
    add_language(LANGUAGE, "")


def answered(api: Api, report: dict[str, Any], language: str) -> dict[str, Any]:
    result = {"findings": [finding | {"evidence": []} for finding in report["findings"]]}
    job_id = api.ended({"kind": "load_diagnostic"}, report, result)
    headers = {"Accept-Language": language}
    answer = dict(api.get(f"/v1/jobs/{job_id}/report", headers=headers).get_json())
    record = api.get(f"/v1/jobs/{job_id}", headers=headers).get_json()
    titles = [finding["title"] for finding in record["result"]["findings"]]
    assert titles == [finding["title"] for finding in answer["findings"]]
    return answer


@pytest.mark.parametrize("report", [slow_disk(), broken_report()], ids=["slow", "broken"])
def test_a_report_is_told_in_the_reader_s_language_with_ids_and_values(
    api: Api, report: dict[str, Any]
) -> None:
    theirs = answered(api, report, LANGUAGE)
    for finding, kept in zip(theirs["findings"], report["findings"], strict=True):
        assert "⟪" in finding["title"]
        assert finding["title_message"] == kept["title"]
        assert finding["evidence_messages"] == kept["evidence"]
    head, *lines = theirs["text"].splitlines()
    assert left_over(head).split()[0] == report["model"]
    assert len(lines) > 20
    assert not [line for line in lines if re.match(r"[^⟪\d ]", line)]


def test_a_reader_of_english_gets_the_text_that_the_worker_wrote(api: Api) -> None:
    report = slow_disk()
    assert answered(api, report, "en") == in_sentences(report)


@pytest.mark.parametrize("language", [LANGUAGE, "en"])
def test_a_report_of_before_messages_is_told_as_it_was_stored(api: Api, language: str) -> None:
    report = stored("load_diagnosis")
    assert answered(api, report, language) == report


def strings(value: Any, name: str = "") -> Iterator[str]:
    """The texts in a report, with those names of fields that are themselves data."""
    if isinstance(value, str) and name != "message_id":
        yield value
    if isinstance(value, list):
        yield from (text for item in value for text in strings(item))
    if isinstance(value, dict):
        if name in ("phase_seconds", "versions", "dtype_parameters", "unknown"):
            yield from value
        yield from (text for key, item in value.items() for text in strings(item, key))


@pytest.mark.parametrize("report", [slow_disk(), broken_report()], ids=["slow", "broken"])
def test_of_a_page_only_values_are_left_and_not_a_word_of_english(api: Api, report: dict[str, Any]) -> None:
    """Phases, formats and sizes are words of the report itself."""
    job_id = api.ended({"kind": "load_diagnostic"}, report)
    answer = api.get(f"/v1/jobs/{job_id}/report?format=html", headers={"Accept-Language": LANGUAGE})
    assert f'<html lang="{LANGUAGE}">' in answer.text
    body = answer.text.partition("<body>")[2].partition("<script>")[0]
    seen = re.sub(r"<pre.*?</pre>|<code.*?</code>", " ", body, flags=re.S)
    left = re.sub(r"⟪[^⟫]*⟫", " ", html.unescape(re.sub(r"<[^>]*>", " ", seen)))
    values = re.findall(r"[A-Za-z]+", " ".join(strings(report | {"text": ""})))
    units = {"GB", "MB", "kB", "s", "ms", "µs", "UTC", "it", "Tunedock", job_id}
    words = set(re.findall(r"[A-Za-z]+", left.replace(job_id, " ")))
    assert words <= {*values, *units, "kaj", "cache", "data", "bfloat", "nf"}, words - {*values, *units}
