"""Reports opened from the pages, with ways back; the report of rows as a page; all events of a job."""

import json

import pytest

from services.api.desk import job, job_events
from shared.job_records import WorkerEvent
from shared.messages.message import say, stored
from shared.reports.data import DataFinding
from shared.reports.data_tokens import RenderedRow, ScriptTokens, TokenPart, TokenReport
from shared.reports.rows import SkippedRows
from shared.reports.training_facts import TokenCounts
from tests.api.conftest import Api
from tests.api.desk import Browser
from tests.api.html_page import Page
from tests.api.load_reports import slow_disk

HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def browser(api: Api) -> Browser:
    return Browser.with_session(api)


def token_report() -> TokenReport:
    tokens = TokenCounts(
        rows=40, real_tokens=800, computed_tokens=900, target_tokens=40, mean=20, p50=18, p95=61, longest=64
    )
    # The sign without width stays in the text: what is learned is counted in characters.
    row = RenderedRow(
        number=7,
        text=f"a\u200bb {HOSTILE}",
        learned=((4, 12),),
        tokens=9,
        learned_tokens=1,
        left_out_tokens=3,
    )
    part = TokenPart(
        part="training",
        tokens=tokens,
        characters_per_token=1.6,
        scripts=(
            ScriptTokens(
                script="hangul", letters=90, tokens=270, tokens_per_letter=3.0, usual_tokens_per_letter=0.9
            ),
        ),
        examples=(row,),
        rows=40,
        read_rows=42,
        skipped_rows=2,
        skipped_reasons=(SkippedRows(reason=say("job-succeeded"), rows=2),),
        truncated_rows=10,
        longest_tokens=128,
        answers=40,
        lost_answers=4,
    )
    finding = DataFinding(
        id="rows_cut",
        severity="warning",
        part="training",
        title=say("more-tokens-cost"),
        evidence=(),
        unit="row",
        lines=(3, 9),
        count=2,
        seen=HOSTILE,
    )
    return TokenReport(model="tiny", max_seq_length=64, training=part, findings=(finding,), text="")


def reported(api: Api) -> str:
    """The id of a job that has reported on a data set."""
    body = {"kind": "dataset_report", "model": "tiny", "training_file": api.uploaded()}
    report = token_report()
    return api.ended(body, json.loads(report.model_dump_json()), report.result())


def test_the_report_of_rows_is_a_page_of_its_own(api: Api, browser: Browser) -> None:
    job_id = reported(api)
    answer = browser.get(f"/v1/jobs/{job_id}/report?format=html")
    assert answer.status_code == 200
    page = Page.read(answer.text)
    for words in (
        "Of 40 answers, 4 are cut off before anything of it can be learned.",
        "Report of the rows of rows.jsonl",
        "So rows are cut sooner",
        "rows 3, 9",
        "95 % up to",
        "128",
        "hangul",
        "3.00",
        "0.90",
        "2 rows are skipped",
        "40, 5% of them",
        "Row 7: 9 tokens, 1 learned, 3 not shown",
    ):
        assert words in page.text, words
    assert "<mark>&lt;script&gt;</mark>" in answer.text, "the stretches are where the model's are"
    assert HOSTILE not in answer.text
    assert "`" not in page.text
    ids = [value for _, name, value in page.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    assert not any(name == "style" for _, name, _ in page.attributes)


def test_a_report_opened_from_a_page_leads_back_and_one_that_is_kept_leads_nowhere(
    api: Api, browser: Browser
) -> None:
    for job_id in (reported(api), api.ended({"kind": "load_diagnostic", "model": "tiny"}, slow_disk())):
        own = f"/jobs/{job_id}"
        assert f"{own}/report" in {each.get("href") for each in browser.page(own).all("a")}
        opened = browser.page(f"{own}/report")
        kept = f"/v1{own}/report?format=html"
        assert {"/", own, kept} <= {each.get("href") for each in opened.all("a")}
        alone = browser.page(kept)
        assert not [link for each in alone.all("a") if not (link := each["href"]).startswith("#")]


def test_a_report_that_is_not_there_is_refused_as_a_page(api: Api, browser: Browser) -> None:
    queued = api.submitted()["id"]
    for path, status in ((f"/jobs/{queued}/report", 409), ("/jobs/none/report", 404)):
        answer = browser.get(path)
        assert answer.status_code == status
        assert "To the first page" in answer.text
    api.client.delete_cookie("tunedock")
    assert Browser(api).get(f"/jobs/{queued}/report", Cookie="").status_code in (401, 409)


def told(number: int, kind: str = "message") -> WorkerEvent:
    return WorkerEvent(number, "info", kind, stored(say("first-row", row=f"no. {number} of them")), {})


def test_every_event_of_a_job_can_be_reached(
    api: Api, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_events, "PAGE", 50)
    job_id = str(api.submitted()["id"])
    claim = api.claim()
    # A disk that was full left steps in the store, too.
    events = [told(number, "metrics" if number % 3 else "message") for number in range(1, 601)]
    api.store.record_events(claim, events)
    page = browser.page(f"/jobs/{job_id}")
    seen = page.text.count("of them")
    (path,) = {each["href"] for each in page.all("a") if "/events?" in each.get("href", "")}
    pages = 0
    while path:
        page = browser.page(path)
        seen += page.text.count("of them")
        links = {each["href"] for each in page.all("a") if "/events?after" in each.get("href", "")}
        assert len(links) <= 1
        path = next(iter(links), "")
        pages += 1
    assert seen == 200
    assert job.MOST_EVENTS + pages * 50 >= 200
    assert "no. 3 of them" in page.text
    assert f"/jobs/{job_id}/events" in {each.get("href") for each in page.all("a")}
    assert browser.get(f"/jobs/{job_id}/events?after=nonsense").status_code == 422
    assert browser.get("/jobs/none/events").status_code == 404


def test_a_job_with_few_events_has_no_link_to_older_ones(api: Api, browser: Browser) -> None:
    job_id = api.submitted()["id"]
    assert "Older events" not in browser.page(f"/jobs/{job_id}").text
    assert "Older events" not in browser.page(f"/jobs/{job_id}/events").text
