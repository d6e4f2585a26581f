"""A training's report as a page: what stands on it, and that nothing on it is anybody else's."""

import html
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from werkzeug.test import TestResponse

from shared.messages.catalog import add_language
from shared.messages.document import in_sentences
from shared.messages.message import say
from shared.messages.render import in_english
from shared.units import duration, span
from shared.visible import visible
from tests.api.conftest import Api
from tests.api.html_page import Page
from tests.api.test_load_page import REFERENCES, contrast
from tests.api.test_report_languages import strings
from tests.api.training_reports import (
    HOSTILE,
    REPORTS,
    SPLIT,
    STEP,
    bare,
    broken_off,
    fine_tuning,
    hostile_report,
    never_begun,
    reference,
    undivided,
)
from tests.shared.messages.made_up import LANGUAGE, made_up_language

COLOURS = (
    "read", "resolve", "quantize", "deserialize", "move", "rest", "other", "waste",
)  # fmt: skip


def ended(api: Api, report: dict[str, Any] | None, kind: str) -> str:
    """The id of a job that a worker ended with `report`."""
    return api.ended({"kind": kind, "model": "tiny", "training_file": api.uploaded()}, report)


def answer_for(api: Api, report: dict[str, Any] | None, language: str = "en") -> TestResponse:
    kind = report["kind"] if report else "training_diagnostic"
    job_id = ended(api, report, kind)
    return api.get(f"/v1/jobs/{job_id}/report?format=html", headers={"Accept-Language": language})


def page_of(api: Api, report: dict[str, Any]) -> Page:
    answer = answer_for(api, report)
    assert answer.status_code == 200, answer.text
    return Page.read(answer.text)


@pytest.fixture(params=REPORTS)
def report(request: pytest.FixtureRequest) -> dict[str, Any]:
    return REPORTS[request.param]()


def test_the_page_refers_to_nothing_outside_itself(api: Api, report: dict[str, Any]) -> None:
    answer = answer_for(api, report)
    page = Page.read(answer.text)
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'sha256-")
    ids = [value for _, name, value in page.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    for tag, name, value in page.attributes:
        assert name != "style", f"the policy blocks it on {tag}"
        assert not name.startswith("on")
        if name in REFERENCES:
            assert value.startswith("#")
            assert value.removeprefix("#") in ids
        if "url(" in value:
            assert value.removeprefix("url(#").removesuffix(")") in ids
        if name == "aria-labelledby":
            assert set(value.split()) <= set(ids)
    assert not {tag for tag, _ in page.elements} & {
        "link",
        "img",
        "iframe",
        "object",
        "embed",
        "base",
        "form",
    }


def test_parts_that_were_predicted_to_be_more_than_the_peak_are_told_so(api: Api) -> None:
    report = reference()
    assert "The parts of 4.21 GB, the peak of a step." in page_of(api, report).text
    report["facts"]["memory"]["peak"] = 3_500_000_000
    told = "The parts were predicted to be 3.96 GB in all. The peak of a step was 3.50 GB."
    assert told in page_of(api, report).text


def test_a_dry_run_is_no_page_and_says_what_it_is(api: Api) -> None:
    answer = answer_for(api, {"kind": "fine_tuning", "dry_run": True, "rows": 3})
    assert (answer.status_code, answer.get_json()["code"]) == (404, "not_found")
    assert "was a dry run, which trained nothing" in answer.get_json()["error"]["message"]


def test_no_name_or_value_becomes_markup_or_turns_the_text_around(api: Api) -> None:
    plain = {
        tag for name in ("reference", "fine_tuning") for tag, _ in page_of(api, REPORTS[name]()).elements
    }
    answer = answer_for(api, hostile_report())
    page = Page.read(answer.text)
    assert {tag for tag, _ in page.elements} <= plain
    assert "\u202e" not in answer.text
    assert page.text.count(str(visible(HOSTILE))) >= 10
    assert "alert" not in page.raw["script"]


def test_the_verdict_comes_first_with_its_numbers_and_what_to_do(api: Api) -> None:
    text = page_of(api, reference()).text
    told = "87 of 100 computed tokens are empty. Pad to the longest row: 19.0 s → 5.61 s a step"
    assert told in text
    assert text.index(told) < text.index("What would save time") < text.index("Where a step goes")
    assert "1,228 steps: 6.5 h as configured, 41 min with the plan auto." in text
    assert "reaches 13 TFLOP/s when it only multiplies matrices; a step reaches 46% of that." in text
    healthy = page_of(api, fine_tuning()).text
    assert (
        "No setting costs a noticeable part of a step. The median step takes 1.14 s, and 97 of 100" in healthy
    )


def test_every_finding_factor_change_and_check_stands_on_the_page(api: Api, report: dict[str, Any]) -> None:
    page = page_of(api, report)
    report = in_sentences(report)
    words = [report["model"], report["facts"]["device"]["name"], *report["notes"]]
    for finding in report["findings"]:
        words += [finding["id"], finding["severity"], finding["title"], *finding["evidence"]]
        for remedy in finding["remedies"]:
            words += [remedy["action"], remedy["command"] or ""]
    for cost in report["facts"]["factors"]:
        words += [cost["as_is"], cost["changed"], cost["advice"]]
    words += [step["change"] for step in report["facts"]["path"]] if len(report["facts"]["path"]) > 1 else []
    words += [word for check in report["checks"] for word in (check["id"], check["words"])]
    for word in words:
        assert " ".join(str(visible(word)).split()) in page.text


def test_bars_of_a_step_are_as_long_as_their_seconds_and_no_second_is_drawn_twice(api: Api) -> None:
    page = page_of(api, reference())
    widths = [
        float(found["width"].rstrip("%"))
        for found in page.all("svg")
        if found.get("class", "").startswith("segment")
    ]
    by_tokens = sum(SPLIT[name] for name in ("forward", "backward", "head_and_loss"))
    empty = 1 - 319_488 / 2_457_600
    whole = sum(SPLIT.values())
    assert widths[5] == pytest.approx(100 * by_tokens * empty / whole, abs=0.1)
    assert widths[6] == pytest.approx(100 * SPLIT["recomputation"] / whole, abs=0.1)
    assert sum(widths[:11]) == pytest.approx(100, abs=0.2)
    after = widths[11:20]
    assert sum(after) == pytest.approx(100 * 2.01 / whole, abs=0.2)


def test_the_second_bar_has_the_phases_that_were_timed_where_they_were(api: Api) -> None:
    page = page_of(api, reference())
    assert "they are the parts above without the waste" in page.text
    report = reference()
    report["facts"]["auto_step"] = {
        "step_seconds": 2.0, "phase_seconds": {"forward": 0.8, "backward": 1.2}, "steps": 5, "how": "timers",
        "computed_tokens": 1000.0, "real_tokens": 1300.0,
    }  # fmt: skip
    page = page_of(api, report)
    assert "in proportion" not in page.text
    segments = [found for found in page.all("svg") if found.get("class", "").startswith("segment")]
    widths = [float(found["width"].rstrip("%")) for found in segments]
    assert widths[11:13] == pytest.approx([100 * 0.8 / STEP, 100 * 1.2 / STEP], abs=0.02)


def test_the_numbers_of_the_page_are_those_of_the_report(api: Api) -> None:
    report = reference()
    page = page_of(api, report)
    rows = {row[0]: row[1:] for row in page.rows if row}
    for label, name in (("forward", "forward"), ("computed twice", "recomputation"), ("data", "data")):
        assert rows[label][0] == duration(SPLIT[name])
    padding = ["padding", "max_length (512) → longest", "19.0 s → 5.61 s", "×3.39", "4.21 GB → 3.02 GB"]
    assert padding in page.rows
    assert ["precision", "bfloat16 → float32", "–", "–", "–"] in page.rows
    for step in report["facts"]["path"]:
        assert span(step["run_seconds"]) in page.text
    assert rows["weights"] == ["1.52 GB"]
    assert rows["not separated"] == ["250 MB"]
    assert rows["empty tokens"] == ["2,138,112"]


def test_a_run_shows_losses_steps_stages_and_what_was_foretold(api: Api) -> None:
    page = page_of(api, fine_tuning())
    rows = {row[0]: row[1:] for row in page.rows if row}
    assert ["100", "0.920"] in [row[::2] for row in page.rows if len(row) == 3]
    assert rows["the whole run"] == ["6.9 min", "8.2 min", "+19%"]
    assert rows["the whole run (predicted after 5 %)"][2] == "+2%"
    assert rows["training"] == [duration(489.0), "93%"]
    dots = [found["class"] for found in page.all("circle")]
    held_up = [found for found in page.all("text") if found.get("class") == "sign disturbed"]
    assert dots.count("dot healthy") == 386
    assert len(held_up) == 14
    assert dots.count("missed") == 1
    assert "▲ throttled (10), ◆ validation (4)" in page.text
    assert "What each factor costs: a fine-tuning tries nothing." in page.text


def test_the_part_of_a_run_that_took_another_time_than_foretold_is_marked(api: Api) -> None:
    rows = {row[0]: row[1:] for row in page_of(api, fine_tuning()).rows if row}
    assert rows["its steps"] == ["6.5 min", "7.7 min", "most of the error"]
    assert rows["its validations"][2] == ""


def test_a_run_that_failed_says_how_far_it_came_why_and_what_to_do(api: Api) -> None:
    page = page_of(api, broken_off())
    assert "failed after 40 of 400 steps" in page.text
    assert in_english(say("lower-learning-rate", learning_rate=0.01, warmup=0.03)) in page.text
    rows = {row[0]: row[1:] for row in page.rows if row}
    assert rows["the whole run"][1:] == ["–", "–"]
    assert rows["a step on average"][2] == "+5%"
    assert len([found for found in page.all("circle") if found["class"] == "dot healthy"]) == 40


def test_a_job_that_failed_before_a_step_shows_its_stages_and_no_numbers_of_steps(api: Api) -> None:
    page = page_of(api, never_begun())
    assert "failed before a step was timed" in page.text
    assert in_english(say("use-less-memory")) in page.text
    assert {found["id"] for found in page.all("h2")} == {"stages", "facts", "left-out"}
    assert "no check" not in page.text


def test_no_folder_or_home_of_this_machine_stands_on_the_page(api: Api) -> None:
    report, secret = reference(), str(api.settings.data_dir)
    report["model"] = report["facts"]["model"] = f"{secret}/models/m"
    report["notes"] = ["/home/kim/rows.jsonl was read"]
    report["findings"][0]["remedies"][0]["command"] = f"rm {secret}/x /home/kim/y"
    answer = answer_for(api, report)
    assert answer.status_code == 200
    assert secret not in answer.text
    assert "kim" not in answer.text
    assert "rm data/x ~/y" in answer.text


def test_parts_without_data_are_left_out_with_a_word_why(api: Api) -> None:
    page = page_of(api, bare())
    assert {found["id"] for found in page.all("h2")} == {"savings", "tokens", "facts", "left-out"}
    for reason in (
        "phases were not timed",
        "nothing was tried",
        "nothing was predicted",
        "Memory: it was",
    ):
        assert reason in page.text


def test_a_step_whose_forward_and_backward_were_not_told_apart_is_no_waiting(api: Api) -> None:
    rows = {row[0]: row[1:] for row in page_of(api, undivided()).rows if row}
    assert rows["forward and backward"][0] == duration(18.33)
    assert "not timed" not in rows


def test_pictures_have_a_title_and_a_description(api: Api, report: dict[str, Any]) -> None:
    page = page_of(api, report)
    pictures = [found for found in page.all("svg") if found.get("role") == "img"]
    assert len(page.all("desc")) == len(pictures)
    assert all(len(found["aria-labelledby"].split()) == 2 for found in pictures)
    assert all(
        "role" in found or found.get("aria-hidden") == "true" or "x" in found or "viewBox" in found
        or "class" not in found
        for found in page.all("svg")
    )  # fmt: skip


def test_a_job_without_such_a_report_is_told_what_is_missing(api: Api) -> None:
    for kind in ("training_diagnostic", "fine_tuning"):
        job_id = ended(api, None, kind)
        answer = api.get(f"/v1/jobs/{job_id}/report?format=html")
        assert (answer.status_code, answer.get_json()["code"]) == (404, "not_found")
        assert "missing or can't be used" in answer.get_json()["detail"]


def test_a_report_with_nulls_and_words_of_a_later_release_draws(api: Api) -> None:
    report = reference() | {"new_in_a_later_release": {"a": [1]}, "checks": None, "notes": None}
    report["facts"]["memory"]["new"] = 3
    report["facts"]["device"]["power_watts"] = None
    assert "org/name-2.4B" in page_of(api, report).text


@pytest.mark.parametrize("theme", ["light", "dark", "print"])
def test_colours_can_be_read_in_every_theme(api: Api, theme: str) -> None:
    style = page_of(api, reference()).raw["style"]
    blocks = re.findall(r":root \{([^}]*)\}", style)
    colours: dict[str, str] = {}
    for block in blocks[:1] if theme == "light" else (blocks[0], blocks[["dark", "print"].index(theme) + 1]):
        colours |= dict(re.findall(r"--([\w-]+): (#\w{6})", block))
    for colour in COLOURS:
        assert contrast(colours[colour], colours["page"]) >= 3
        assert contrast(colours[colour], "#ffffff") >= 4.5


@pytest.fixture
def language() -> Iterator[str]:
    add_language(LANGUAGE, made_up_language())
    yield LANGUAGE
    add_language(LANGUAGE, "")


@pytest.mark.parametrize("name", ["reference", "fine_tuning", "undivided"])
def test_of_a_page_only_values_are_left_and_not_a_word_of_english(api: Api, name: str, language: str) -> None:
    report = REPORTS[name]()
    answer = answer_for(api, report, language)
    body = answer.text.partition("<body>")[2].partition("<script>")[0]
    seen = re.sub(r"<pre.*?</pre>|<code.*?</code>", " ", body, flags=re.S)
    left = re.sub(r"⟪[^⟫]*⟫", " ", html.unescape(re.sub(r"<[^>]*>", " ", seen)))
    values = re.findall(r"[A-Za-z]+", " ".join(strings(report | {"text": ""})))
    units = {
        "GB", "MB", "kB", "s", "ms", "min", "h", "UTC", "k", "M", "W", "MHz", "C", "TFLOP", "GFLOP",
        "Tunedock",
    }  # fmt: skip
    settings = re.findall(r"[A-Za-z0-9]+", json.dumps([report["facts"]["settings"], report["facts"]["plan"]]))
    job_id = answer.headers["Content-Disposition"].partition('"')[2].partition(".")[0]
    words = set(re.findall(r"[A-Za-z]+", left.replace(job_id, " ")))
    assert words <= {*values, *units, *settings, "kaj"}, words - {*values, *units, *settings}


def test_the_text_is_told_in_the_reader_s_language(api: Api, language: str) -> None:
    report = reference()
    job_id = ended(api, report, "training_diagnostic")
    theirs = api.get(f"/v1/jobs/{job_id}/report", headers={"Accept-Language": language}).get_json()
    assert theirs["text"].count("⟪") > 30
    assert api.get(f"/v1/jobs/{job_id}/report").get_json()["text"] == report["text"]
    spoiled = ended(api, report | {"summary": "spoiled"}, "training_diagnostic")
    kept = api.get(f"/v1/jobs/{spoiled}/report", headers={"Accept-Language": language})
    assert (kept.status_code, kept.get_json()["text"]) == (200, report["text"])
