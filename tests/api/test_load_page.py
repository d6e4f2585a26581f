"""A load's report as a page: what stands on it, and that nothing on it is anybody else's."""

import base64
import hashlib
import re
from typing import Any

import pytest
from werkzeug.test import TestResponse

from services.api.page_kit.places import Places
from shared.messages.document import in_sentences
from shared.messages.message import say
from shared.reports.model_files import CacheVariable, FileHash, HubModel, WeightFile
from shared.units import duration, rate, size
from shared.visible import visible
from tests.api.conftest import Api
from tests.api.html_page import Page
from tests.api.load_reports import HOSTILE, PHASES, REPORTS, old_report, report_of, slow_disk
from tests.worker.diagnosis.diagnosed import changed, healthy

REFERENCES = {
    "src", "srcset", "href", "xlink:href", "action", "formaction", "data", "poster", "background",
    "ping", "cite",
}  # fmt: skip


def answer_for(api: Api, report: dict[str, Any] | None, kind: str = "load_diagnostic") -> TestResponse:
    """The page of a job that a worker ended with `report`."""
    job_id = api.ended({"kind": kind}, report)
    return api.get(f"/v1/jobs/{job_id}/report?format=html")


def page_of(api: Api, report: dict[str, Any]) -> Page:
    answer = answer_for(api, report)
    assert answer.status_code == 200, answer.text
    return Page.read(answer.text)


@pytest.fixture(params=REPORTS)
def report(request: pytest.FixtureRequest) -> dict[str, Any]:
    return REPORTS[request.param]()


def test_the_page_allows_its_own_style_and_script_and_nothing_else(api: Api) -> None:
    answer = answer_for(api, slow_disk())
    page = Page.read(answer.text)
    hashes = {
        name: base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        for name, text in page.raw.items()
    }
    expected = (
        f"default-src 'none'; style-src 'sha256-{hashes['style']}'; script-src 'sha256-{hashes['script']}'; "
        "base-uri 'none'; form-action 'none'"
    )
    assert answer.headers["Content-Security-Policy"] == f"{expected}; frame-ancestors 'none'"
    assert expected in [meta.get("content") for meta in page.all("meta")]  # for a copy on a disk
    assert len(page.all("style")) == len(page.all("script")) == 1
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-store"


def test_the_page_refers_to_nothing_outside_itself(api: Api, report: dict[str, Any]) -> None:
    page = page_of(api, report)
    ids = [value for _, name, value in page.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    for tag, name, value in page.attributes:
        assert name != "style", f"the policy blocks it on {tag}"
        assert not name.startswith("on")
        if name in REFERENCES:
            assert value.removeprefix("#") in ids
            assert value.startswith("#")
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
    assert "url(" not in page.raw["style"]
    assert "@import" not in page.raw["style"]
    assert "fetch" not in page.raw["script"]


def test_no_name_or_value_becomes_markup_or_turns_the_text_around(api: Api) -> None:
    plain = {tag for name in ("slow", "broken") for tag, _ in page_of(api, REPORTS[name]()).elements}
    answer = answer_for(api, REPORTS["hostile"]())
    page = Page.read(answer.text)
    assert {tag for tag, _ in page.elements} <= plain
    assert "\u202e" not in answer.text
    assert page.text.count(str(visible(HOSTILE))) >= 10
    assert "alert" not in page.raw["script"]


def test_every_finding_remedy_phase_and_file_stands_on_the_page(api: Api, report: dict[str, Any]) -> None:
    page = page_of(api, report)
    report = in_sentences(report)
    words = [report["model"], *report["facts"]["versions"]]
    for finding in report["findings"]:
        words += [finding["id"], finding["severity"], finding["title"], *finding["evidence"]]
        for remedy in finding["remedies"]:
            words += [remedy["action"], remedy["command"] or "", remedy["assumes"] or ""]
    for run in [report["summary"], *report["summary"].get("runs", ())]:
        words += run["phase_seconds"] or ()
    words += [file["name"] for file in report["facts"]["checkpoint"]["files"]]
    words += [variable["reason"] for variable in report["facts"]["cache"]["variables"]]
    words += [said for said in report["facts"]["storage"]["unknown"].values() if isinstance(said, str)]
    for done in report.get("applied", ()):
        words += [done["action"], done["note"] or ""]
    places = Places.of(api.settings, report)
    for word in words:
        assert " ".join(str(visible(places.text(word))).split()) in page.text


def test_the_numbers_of_the_page_are_those_of_the_report(api: Api) -> None:
    report = slow_disk()
    page, summary = page_of(api, report), report["summary"]
    rows = {row[0]: row[1:] for row in page.rows}
    runs = summary["runs"]
    for name in PHASES:
        cells = next(cells for label, cells in rows.items() if label.startswith(name))
        assert cells == [f"{run['phase_seconds'][name]:.2f}" for run in runs]
    assert rows["total"] == [f"{run['total_seconds']:.2f}" for run in runs]
    assert rows["the storage's limit"] == ["63.72", "–", "–"]
    for name, part in (("storage", "storage"), ("quantizing", "quantize"), ("fixed", "fixed")):
        assert [name, duration(summary[f"{part}_seconds"])] in page.rows
    limit = summary["limit_bytes_per_second"]
    assert rows["this storage"] == [rate(limit), duration(summary["weight_bytes"] / limit)]
    assert rows["model-00001-of-00002.safetensors"][-1] == size(4_979_000_000)
    assert f"{summary['shard_seconds']:.2f} s 100%|█████| 2/2 [01:03<00:00, 31.96s/it]" in page.text
    for remedy in (remedy for finding in report["findings"] for remedy in finding["remedies"]):
        if remedy["saves_seconds"] is not None:
            assert f"−{duration(remedy['saves_seconds'])}" in page.text
            assert f"then takes {duration(remedy['predicted_seconds'])}" in page.text
    (done,) = report["applied"]
    for name in ("before", "predicted", "measured", "limit"):
        assert f"{name} {duration(done[f'{name}_seconds'])}" in page.text


def test_storage_that_noise_hides_is_told_as_such(api: Api) -> None:
    report = slow_disk()
    assert "can't be separated from measurement noise" not in page_of(api, report).text
    report["summary"] |= {"storage_seconds": None, "storage_in_noise": True}
    page = page_of(api, report)
    assert "can't be separated from measurement noise" in page.text
    assert ["storage", duration(58.55)] not in page.rows


def test_bars_are_as_long_as_their_seconds(api: Api) -> None:
    report = slow_disk()
    page = page_of(api, report)
    stretches = [found for found in page.all("svg") if found.get("class", "").startswith("segment")]
    widths = [float(found["width"].rstrip("%")) for found in stretches]
    cold = report["summary"]["runs"][0]
    drawn = widths[: len([seconds for seconds in cold["phase_seconds"].values() if seconds])]
    assert drawn == pytest.approx(
        [100 * seconds / cold["total_seconds"] for seconds in cold["phase_seconds"].values()], abs=0.02
    )
    limits = [float(found["x1"].rstrip("%")) for found in page.all("line") if found.get("class") == "limit"]
    assert limits[0] == pytest.approx(100 * 63.72 / 66.72, abs=0.02)


def test_pictures_have_a_title_and_a_description(api: Api, report: dict[str, Any]) -> None:
    page = page_of(api, report)
    pictures = [found for found in page.all("svg") if found.get("role") == "img"]
    outer = [found for found in page.all("svg") if "class" not in found or found["class"] == "swatch"]
    assert all("role" in found or found.get("aria-hidden") == "true" or "x" in found for found in outer)
    assert len(page.all("desc")) == len(pictures)
    assert all(len(found["aria-labelledby"].split()) == 2 for found in pictures)


def test_a_report_of_an_earlier_release_draws(api: Api) -> None:
    bare = {"model": "tiny", "summary": {"weight_bytes": 10**9, "shards": 1}, "text": "…"}
    assert "tiny" in page_of(api, bare).text
    empty = old_report()
    empty["summary"] |= {
        "runs": None, "storage_seconds": None, "quantize_seconds": None, "fixed_seconds": None,
    }  # fmt: skip
    empty |= {"applied": None, "new_in_a_later_release": {"a": [1]}}
    answer = answer_for(api, empty)
    assert Page.read(answer.text).elements == page_of(api, old_report()).elements
    assert "As found" in answer.text


def test_a_preparation_is_drawn_and_one_without_a_report_is_told(api: Api) -> None:
    assert answer_for(api, slow_disk(), "model_preparation").status_code == 200
    nothing = answer_for(api, None, "model_preparation")
    assert (nothing.status_code, nothing.get_json()["code"]) == (404, "not_found")
    assert "can't be used: summary" in nothing.get_json()["detail"]
    later = answer_for(api, old_report() | {"schema_version": 2})
    assert "schema_version" in later.get_json()["detail"]


def test_other_kinds_and_other_formats_are_refused_and_an_early_page_is_told_to_wait(api: Api) -> None:
    asked = {"kind": "evaluation", "model": "tiny", "file": api.uploaded()}
    evaluation = api.post("/v1/jobs", json=asked).get_json()["id"]
    refused = api.get(f"/v1/jobs/{evaluation}/report?format=html")
    assert refused.status_code == 404
    assert " is evaluation. Only" in refused.get_json()["detail"]
    wrong = api.get(f"/v1/jobs/{evaluation}/report?format=pdf")
    assert (wrong.status_code, wrong.get_json()["error"]["param"]) == (422, "format")
    queued = api.post("/v1/jobs", json={"kind": "load_diagnostic"}).get_json()["id"]
    early = api.get(f"/v1/jobs/{queued}/report?format=html")
    assert (early.status_code, early.get_json()["code"]) == (409, "job_not_finished")
    assert api.client.get(f"/v1/jobs/{queued}/report?format=html").status_code == 401


def test_what_the_hub_did_not_say_and_hashes_that_were_not_compared_are_not_known(api: Api) -> None:
    file = FileHash(
        name="model.safetensors", named_by="hub", reason=say("hashing-slow-piece", limit_seconds=10)
    )
    facts = healthy(
        hub=HubModel(unknown=say("hub-silent-piece", hub="The hub", limit_seconds=4)), hashes=(file,)
    )
    rows = page_of(api, report_of(facts)).rows
    assert ["hub", "The hub did not answer within 4.00 s"] in rows
    assert ["hash: model.safetensors", "hashing everything takes longer than 10.0 s"] in rows


def test_what_is_wrong_with_a_file_and_why_a_variable_is_set_in_vain_are_sentences(api: Api) -> None:
    file = WeightFile(
        name="model.safetensors",
        format="safetensors",
        bytes=5,
        opened=True,
        problem=say("safetensors-truncated", file="model.safetensors", bytes=5, described=9),
    )
    variable = CacheVariable(
        name="HF_HOME",
        value="/m",
        effect="outranked",
        reason=say("variable-outranked-piece", first="HF_HUB_CACHE"),
    )
    facts = changed(healthy(), checkpoint__files=(file,), cache__variables=(variable,))
    page = page_of(api, report_of(facts))
    assert "outranked: HF_HUB_CACHE has precedence" in page.text
    assert (
        "model.safetensors has 5 bytes, and its header describes 9. It is truncated or damaged." in page.text
    )
    assert "message_id" not in page.text


def test_the_page_is_described(api: Api) -> None:
    document = api.client.get("/openapi.json").get_json()
    operation = document["paths"]["/v1/jobs/{job_id}/report"]["get"]
    assert set(operation["responses"]["200"]["content"]) == {"application/json", "text/html"}
    assert operation["parameters"][1]["schema"]["enum"] == ["json", "html"]
    docs = api.client.get("/docs").text
    assert "<b>200 OK</b>: application/json, object or text/html, string." in docs


@pytest.mark.parametrize("theme", ["light", "dark", "print"])
def test_colours_can_be_read_in_every_theme(api: Api, theme: str) -> None:
    style = page_of(api, slow_disk()).raw["style"]
    blocks = re.findall(r":root \{([^}]*)\}", style)
    assert len(blocks) == 3
    colours: dict[str, str] = {}
    for block in blocks[:1] if theme == "light" else (blocks[0], blocks[["dark", "print"].index(theme) + 1]):
        colours |= dict(re.findall(r"--([\w-]+): (#\w{6})", block))
    for text in ("text", "muted", "accent", "error", "warning"):
        assert contrast(colours[text], colours["page"]) >= 4.5
        assert contrast(colours[text], colours["soft"]) >= 4.5
    for phase in (*PHASES, "other"):
        assert contrast(colours[phase], colours["page"]) >= 3
        assert contrast(colours[phase], "#ffffff") >= 4.5  # the phase's name in its bar


def contrast(one: str, other: str) -> float:
    """Of two colours, as the Web Content Accessibility Guidelines define it."""
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return sum(weight * value for weight, value in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
