"""The pages at `/` as a browser without script uses them: what they show, do and refuse."""

import io
import re
from pathlib import Path
from typing import Any

import pytest

from services.api.desk.routes import PAGES
from services.api.desk.static import FILES
from shared.job_records import WorkerEvent
from shared.journal import journal_line
from shared.messages.catalog import add_language
from shared.messages.message import say, stored
from shared.model_names import fine_tuned_model_id
from shared.reports.data_tokens import RenderedRow, TokenPart, TokenReport
from shared.reports.training_facts import TokenCounts
from shared.worker_store import WorkerStore
from tests.api.conftest import ROWS, Api, jsonl, make_api
from tests.api.desk import Browser, forms, trained
from tests.api.html_page import Page
from tests.api.load_reports import slow_disk
from tests.shared.messages.made_up import LANGUAGE, left_over, made_up_language

HOSTILE = "<script>alert(1)</script>\"'&{{ 7 * 7 }}"
MOST_BYTES = 200_000
# Names, units, and the examples of rows, which are data.
NO_ENGLISH = {
    "Tunedock", "tiny", "SmolLM", "Instruct", "data", "none", "found", "bytes", "text", "label", "spam",
    "free", "prize", "prompt", "completion", "Where", "Here", "messages", "role", "user", "content", "Hello",
    "assistant",
}  # fmt: skip


@pytest.fixture
def browser(api: Api) -> Browser:
    return Browser.with_session(api)


def step(number: int, step: int, **data: Any) -> WorkerEvent:
    numbers = {"step": step, "total_steps": 40, "train_loss": 3 / step, "step_seconds": 0.5, **data}
    return WorkerEvent(number, "info", "metrics", stored(say("job-succeeded")), numbers, is_in_journal=True)


def write_journal(api: Api, job_id: str, attempt: int, events: list[WorkerEvent]) -> None:
    path = api.job_folder(job_id) / "attempts" / str(attempt) / "events.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(map(journal_line, events)))


def beat(api: Api) -> None:
    api.store.worker_beat("here", {"device": "a card", "resident_model": ""})


def desk_pages(api: Api, browser: Browser) -> dict[str, str]:
    """Every kind of page with everything on it, by its path."""
    running = api.submitted(metadata={"x": HOSTILE})["id"]
    claim = api.claim()
    now = {"stage": "training", "step": 3, "total_steps": 40, "loss": 0.5, "step_seconds": 0.7,
           "eta_seconds": 90.0}  # fmt: skip
    api.store.beat(claim, lease_seconds=60, progress=now)
    row = {"code": "rendered_row", "text": f"Say {HOSTILE}: yes", "learned": [[40, 45]], "tokens_left_out": 3}
    api.store.record_events(
        claim,
        [
            WorkerEvent(1, "info", "message", stored(say("first-row", row="x")), row),
            WorkerEvent(2, "warn", "message", HOSTILE, {}),
        ],
    )
    write_journal(api, running, 1, [step(n, n) for n in range(1, 30)])
    api.submitted(suffix="second")
    waiting = api.submitted(after=[running])["id"]
    file = api.uploaded()
    return {
        path: browser.get(path).text
        for path in (
            "/", f"/jobs/{running}", f"/jobs/{waiting}", "/new", f"/new/settings?rows=training_file:{file}",
            f"/new/settings?from={running}",
        )
    }  # fmt: skip


def test_every_page_needs_nothing_from_elsewhere_and_no_script_of_its_own(api: Api, browser: Browser) -> None:
    for path, text in desk_pages(api, browser).items():
        page = Page.read(text)
        ids = [value for _, name, value in page.attributes if name == "id"]
        assert len(ids) == len(set(ids)), (path, sorted(one for one in ids if ids.count(one) > 1))
        for tag, name, value in page.attributes:
            assert name != "style", f"the policy blocks it on {tag}"
            assert not name.startswith("on")
            if name in ("href", "src", "action"):
                assert value.startswith(("/", "#")), value
            if name in ("aria-labelledby", "aria-describedby", "for", "list"):
                assert set(value.split()) <= set(ids), (path, name, value)
        assert page.raw == {}, "style and script are files"
        assert "<script>alert" not in text
        weight = len(text.encode()) + sum(len(file.content) for file in FILES.values())
        assert weight < MOST_BYTES
    policy = browser.get("/").headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert policy.startswith("default-src 'none'")


def test_every_field_of_a_page_has_a_label_and_every_button_words(api: Api, browser: Browser) -> None:
    for path, text in desk_pages(api, browser).items():
        page = Page.read(text)
        labelled = {each.get("for") for each in page.all("label")}
        for tag in ("input", "select", "textarea"):
            for each in page.all(tag):
                if each.get("type") != "hidden":
                    assert each.get("id") in labelled or "aria-hidden" in each, (path, each)
        assert not re.search(r"<button[^>]*>\s*</button>", text)
        assert text.count("<h1") == 1
        assert "<title> –" not in text


def test_a_reader_of_another_language_reads_no_english(api: Api, browser: Browser) -> None:
    add_language(LANGUAGE, made_up_language())
    try:
        for path in ("/", "/new", "/jobs/none"):
            page = Page.read(browser.get(path, **{"Accept-Language": LANGUAGE}).text)
            words = set(re.findall(r"[a-zA-Z]{4,}", left_over(page.text)))
            assert words <= NO_ENGLISH, (path, words - NO_ENGLISH)
    finally:
        add_language(LANGUAGE, "")


def test_the_first_visit_says_what_to_do(api: Api, browser: Browser) -> None:
    page = browser.page("/")
    assert "No job has run here yet." in page.text
    assert "No worker was heard from" in page.text
    assert "./tunedock up" in page.text
    assert "/new" in {each.get("href") for each in page.all("a")}
    beat(api)
    assert "No worker was heard from" not in browser.page("/").text


def test_a_running_job_is_shown_with_its_numbers(api: Api, browser: Browser) -> None:
    page = Page.read(desk_pages(api, browser)["/"])
    for words in ("One job runs, and 2 wait.", "training", "step 3/40", "90 s", "0.70 s", "0.5000"):
        assert words in page.text, words


def test_the_machine_is_shown_with_its_card_and_disks(api: Api, browser: Browser) -> None:
    api.store.worker_beat(
        "here",
        {"device": "a card", "resident_model": "tiny", "card_used_bytes": "3000000000",
         "card_total_bytes": "8000000000"},
    )  # fmt: skip
    text = browser.page("/").text
    memory = "Memory of the card 5.00 GB of 8.00 GB free"
    for words in ("a card", "tiny is in memory", memory, "Disk of data"):
        assert words in text, words


def test_the_queue_is_in_its_order_and_a_form_moves_a_job(api: Api, browser: Browser) -> None:
    first, second, third = (api.submitted()["id"] for _ in range(3))

    def order() -> list[str]:
        return list(dict.fromkeys(re.findall(r'href="/jobs/(ftjob-\w+)"', browser.get("/").text)))

    assert order() == [first, second, third]
    assert f"/jobs/{first}/move" in forms(browser.page("/"))
    assert browser.sent(f"/jobs/{third}/move", up=1, back="/") == "/"
    assert order() == [first, third, second]
    assert browser.sent(f"/jobs/{second}/move", to="front") == f"/jobs/{second}"
    assert order() == [second, first, third]
    answer = browser.send(f"/jobs/{second}/move", up="many")
    assert answer.status_code == 422
    assert "up" in Page.read(answer.text).text


def test_a_job_is_paused_resumed_cancelled_and_deleted(api: Api, browser: Browser) -> None:
    job_id = api.submitted()["id"]
    own = f"/jobs/{job_id}"
    assert browser.sent(f"{own}/pause", back="/") == "/"
    assert api.store.get(job_id).status == "paused"
    assert "Paused" in browser.page("/").text
    assert browser.sent(f"{own}/resume") == own
    assert api.store.get(job_id).status == "queued"
    assert api.rung[-1] == job_id
    refused = browser.send(f"{own}/delete")
    assert refused.status_code == 409
    assert "Only a job that has ended can be deleted" in Page.read(refused.text).text
    assert browser.sent(f"{own}/cancel") == own
    assert f"{own}/delete" in forms(browser.page(own))
    assert f"{own}/cancel" not in forms(browser.page(own))
    assert browser.sent(f"{own}/delete") == "/"
    gone = browser.get(own)
    assert gone.status_code == 404
    assert job_id in Page.read(gone.text).text
    assert not api.job_folder(job_id).exists()


def test_the_queue_is_paused_and_let_go(api: Api, browser: Browser) -> None:
    api.submitted()
    assert browser.sent("/queue/pause") == "/"
    assert api.store.is_held()
    assert "no job starts" in browser.page("/").text
    assert browser.sent("/queue/resume") == "/"
    assert not api.store.is_held()


def test_the_plots_follow_the_journals_over_all_attempts(api: Api, browser: Browser) -> None:
    """An attempt that goes on from a checkpoint does the steps after it again."""
    job_id = api.submitted()["id"]
    api.claim()
    write_journal(api, job_id, 1, [step(n, n) for n in range(1, 11)])
    page = browser.page(f"/jobs/{job_id}")
    assert "The loss goes from 3.000 to 0.300 at step 10." in page.text
    path = api.job_folder(job_id) / "attempts" / "1" / "events.jsonl"
    with path.open("ab") as file:
        file.write(b'{"number": 11, "type": "metrics", "data": {"step": 11, "train_lo')
    assert "at step 10." in browser.page(f"/jobs/{job_id}").text
    with path.open("ab") as file:
        file.write(b'ss": 0.25, "step_seconds": 0.5}}\n')
    assert "to 0.250 at step 11." in browser.page(f"/jobs/{job_id}").text


def test_a_failed_job_says_why_and_what_to_do(api: Api, browser: Browser) -> None:
    job_id = api.submitted()["id"]
    claim = api.claim()
    error = {"code": "stalled", "message": stored(say("job-stalled", stall_seconds=90)),
             "remedy": stored(say("look-at-log-and-disks"))}  # fmt: skip
    api.store.finish(claim, "failed", message=error["message"], error=error)
    for path in ("/", f"/jobs/{job_id}"):
        assert "The job made no progress for 90.0 s." in browser.page(path).text
    page = browser.page(f"/jobs/{job_id}")
    assert "raise TUNEDOCK_STALL_SECONDS" in page.text
    assert f"/new/settings?from={job_id}" in {each.get("href") for each in page.all("a")}


def test_a_diagnosis_says_on_its_page_what_its_report_says_first(api: Api, browser: Browser) -> None:
    report = slow_disk()
    job_id = api.ended({"kind": "load_diagnostic", "model": "tiny"}, report)
    page, text = browser.page(f"/jobs/{job_id}"), browser.get(f"/jobs/{job_id}").text
    (headline,) = re.findall(r"<h1>(.+?)</h1>", browser.get(f"/v1/jobs/{job_id}/report?format=html").text)
    assert f'<p class="lead">{headline}</p>' in text
    assert f"/jobs/{job_id}/report" in {each.get("href") for each in page.all("a")}
    (api.job_folder(job_id) / "report.json").write_text('{"kind": "load_diagnostic"}')
    assert browser.get(f"/jobs/{job_id}").status_code == 200


def test_a_trained_model_is_downloaded_and_evaluated_from_its_page(api: Api, browser: Browser) -> None:
    job_id = trained(api)
    page = browser.page(f"/jobs/{job_id}")
    for words in ("0.1000", "3.000 at the beginning", "0.2000", "40 steps"):
        assert words in page.text, words
    links = {each.get("href") for each in page.all("a")}
    assert {f"/v1/jobs/{job_id}/adapter", f"/jobs/{job_id}/report"} <= links
    file = api.uploaded()
    path = browser.sent(f"/jobs/{job_id}/evaluate", rows=f"training_file:{file}")
    made = api.store.get(path.removeprefix("/jobs/"))
    assert (made.kind, made.request["file"]) == ("evaluation", file)
    assert made.request["adapter"] == fine_tuned_model_id("tiny", None, job_id)
    assert browser.send(f"/jobs/{job_id}/evaluate").status_code == 422


def test_three_steps_make_a_training_of_an_uploaded_file(api: Api, browser: Browser) -> None:
    upload = browser.send("/new/file", purpose="fine-tune", file=(io.BytesIO(jsonl(ROWS)), "my rows.jsonl"))
    assert upload.status_code == 303
    second = upload.headers["Location"]
    page = browser.page(second)
    assert "my rows.jsonl" in page.text
    assert '{"text": "see you at seven", "label": "ham"}' in page.text
    (key,) = [each["value"] for each in page.all("input") if each.get("name") == "rows"]
    (once,) = [each["value"] for each in page.all("input") if each.get("name") == "once"]
    fields = {
        "rows": key, "once": once, "model": "tiny", "validation": key, "hyperparameters.n_epochs": "2",
        "hyperparameters.learning_rate": "1e-3", "hyperparameters.lora.r": "8",
    }  # fmt: skip
    third = browser.sent("/new/plan", **fields)
    assert browser.sent("/new/plan", **fields) == third, "sent twice, it is one job"
    assert browser.sent("/new/plan", **{**fields, "hyperparameters.n_epochs": "3"}) != third
    planned = api.store.get(third.removeprefix("/jobs/"))
    asked = planned.request
    assert asked["dry_run"] is True
    assert asked["validation_file"] == asked["training_file"] == key.removeprefix("training_file:")
    assert (asked["hyperparameters"]["n_epochs"], asked["hyperparameters"]["lora"]["r"]) == (2, 8)
    claim = api.claim()
    assert claim.job_id == planned.id
    api.store.finish(claim, "succeeded", message="Done", result={
        "dry_run": True, "model": "tiny", "steps": 12, "rows_per_step": 16, "rows": 3, "plan": {},
        "tokens": {"rows": 3, "real_tokens": 12, "computed_tokens": 15, "target_tokens": 3, "mean": 4.0,
                   "p50": 4, "p95": 5, "longest": 5},
        "memory": {"weights": 10**8, "activations": 10**7, "peak": 12 * 10**7, "limit": 10**9},
        "step_seconds": 0.25, "run_seconds": 300.0,
    })  # fmt: skip
    page = browser.page(third)
    for words in ("the run fits into memory", "5.0 min", "0.25 s", "120 MB", "of 1.00 GB available"):
        assert words in page.text, words
    assert f"{third}/start" in forms(page)
    started = browser.sent(f"{third}/start", once="a")
    assert browser.sent(f"{third}/start", once="a") == started
    training = api.store.get(started.removeprefix("/jobs/"))
    assert training.request["dry_run"] is False
    assert training.request["hyperparameters"] == asked["hyperparameters"]
    again = {each.get("name"): each for each in browser.page(f"/new/settings?from={planned.id}").all("input")}
    assert again["hyperparameters.lora.r"]["value"] == "8"


def test_the_second_step_reports_what_is_in_the_rows(api: Api, browser: Browser) -> None:
    cells = (("a", "b"), ("a", "c"), ("", "b"), (HOSTILE, "b"))
    rows = [{"text": text, "label": label} for text, label in cells]
    key = f"training_file:{api.uploaded(rows)}"
    page = browser.page(f"/new/settings?rows={key}")
    for words in ("can't be used as they are", "texts with labels", "error", "Line 3"):
        assert words in page.text, words
    good = browser.page(f"/new/settings?rows=training_file:{api.uploaded(ROWS)}")
    assert "3 rows can be used as they are." in good.text


def test_rows_are_shown_as_a_model_reads_them_before_anything_is_planned(api: Api, browser: Browser) -> None:
    key = f"training_file:{api.uploaded()}"
    fields = {"rows": key, "model": "tiny", "instruction": "Sort it", "hyperparameters.max_seq_length": "64"}
    path = browser.sent("/new/rows", once="a", **fields)
    asked = api.store.get(path.removeprefix("/jobs/"))
    assert (asked.kind, asked.request["max_seq_length"]) == ("dataset_report", 64)
    tokens = TokenCounts(
        rows=3, real_tokens=30, computed_tokens=30, target_tokens=3, mean=10, p50=10, p95=12, longest=12
    )
    row = RenderedRow(number=1, text=f"Is it? {HOSTILE}", learned=((7, 15),), tokens=9, learned_tokens=1)
    part = TokenPart(
        part="training", tokens=tokens, characters_per_token=3.0, examples=(row,), rows=3, truncated_rows=1
    )
    report = TokenReport(model="tiny", max_seq_length=64, training=part, findings=(), text="")
    api.job_folder(asked.id).joinpath("report.json").write_text(report.model_dump_json())
    api.store.finish(api.claim(), "succeeded", message="Done", result=report.result())
    page, text = browser.page(path), browser.get(path).text
    assert "12 in 95 of 100, 12 at most" in page.text
    assert "33%" in page.text
    assert "<mark>&lt;script&gt;</mark>" in text
    back = browser.get(f"/new/settings?from={asked.id}").text
    assert 'value="64"' in back
    assert "Sort it" in back
    assert 'value="16"' in back, "what the report does not say is as at first"


def test_a_large_file_is_reported_on_when_one_asks(
    api: Api, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.api.desk.rows_report.AT_ONCE_BYTES", 10)
    key = f"training_file:{api.uploaded()}"
    assert "Check all rows" in browser.page(f"/new/settings?rows={key}").text
    answer = browser.send("/new/check", rows=key)
    assert "3 rows can be used as they are." in Page.read(answer.text).text


def test_a_wrong_setting_is_told_at_its_field_and_nothing_typed_is_lost(api: Api, browser: Browser) -> None:
    key = f"training_file:{api.uploaded()}"
    answer = browser.send("/new/plan", rows=key, model="no such model", suffix="mine")
    assert answer.status_code == 422
    page = Page.read(answer.text)
    assert "no such model" in page.text
    wrong = {"hyperparameters.lora.r": "many"}
    answer = browser.send("/new/plan", rows=key, model="tiny", suffix="mine", **wrong)
    assert answer.status_code == 422
    fields = {each.get("name"): each for each in Page.read(answer.text).all("input")}
    assert fields["hyperparameters.lora.r"]["value"] == "many"
    assert fields["hyperparameters.lora.r"]["aria-invalid"] == "true"
    assert fields["suffix"]["value"] == "mine"
    assert '<details id="more-settings" open>' in answer.text


def test_wrong_rows_are_told_with_their_lines(api: Api, browser: Browser) -> None:
    rows = [{"text": "a", "label": "b"}, {"text": ""}, {"text": "c", "label": "d"}]
    answer = browser.send("/new/plan", rows=f"training_file:{api.uploaded(rows)}", model="tiny")
    assert answer.status_code == 422
    page = Page.read(answer.text)
    assert "Line 2: text is empty" in page.text
    assert "line 2: It has no field label" in page.text
    assert "training_file: " not in page.text


def test_an_empty_upload_is_refused_on_the_page(api: Api, browser: Browser) -> None:
    answer = browser.send("/new/file", purpose="fine-tune", file=(io.BytesIO(b""), "empty.csv"))
    assert answer.status_code == 422
    assert "empty.csv is empty" in Page.read(answer.text).text


def test_a_data_set_that_leads_out_of_its_folder_is_not_offered(
    api: Api, browser: Browser, tmp_path: Path
) -> None:
    (tmp_path / "outside.jsonl").write_bytes(jsonl(ROWS))
    (api.settings.datasets_dir / "link.jsonl").symlink_to(tmp_path / "outside.jsonl")
    (api.settings.datasets_dir / "mine.jsonl").write_bytes(jsonl(ROWS))
    links = {each.get("href") for each in browser.page("/new").all("a")}
    assert "/new/settings?rows=dataset%3Amine" in links
    assert not any("link" in str(link) for link in links)


def test_steps_without_rows_lead_back_to_the_first(api: Api, browser: Browser) -> None:
    for path in ("/new/settings", "/new/settings?rows=x"):
        assert browser.get(path).headers["Location"] == "/new"
    assert browser.sent("/new/plan") == "/new"
    missing = browser.get("/new/settings?rows=training_file:file-none")
    assert missing.status_code == 404
    outside = browser.get("/new/settings?rows=dataset:../../etc/passwd")
    assert outside.status_code == 422


def test_models_are_listed_with_their_copies_diagnosed_and_prepared(api: Api, browser: Browser) -> None:
    model = api.settings.models_dir / "tiny" / "model.safetensors"
    model.write_bytes(b"x" * 3_000_000)
    assert "3.00 MB of weights" in browser.page("/").text
    assert "no 4-bit copy yet" in browser.page("/").text
    copy = api.settings.data_dir / "models" / "tiny-nf4-1"
    copy.mkdir(parents=True)
    (copy / "manifest.json").write_text(
        '{"kind": "nf4", "name": "tiny", "files": {"a": {"bytes": 700000, "sha256": "0"}}}'
    )
    assert "4-bit copy of 700 kB" in browser.page("/").text
    for path, kind in (("/models/diagnose", "load_diagnostic"), ("/models/prepare", "model_preparation")):
        made = api.store.get(browser.sent(path, model="tiny").removeprefix("/jobs/"))
        assert (made.kind, made.request["model"]) == (kind, "tiny")
    assert browser.send("/models/diagnose", model="none here").status_code == 422


def test_what_keeps_a_job_from_running_is_on_its_page_until_it_has_ended(api: Api, browser: Browser) -> None:
    job_id = api.submitted()["id"]
    for path in ("/", "/new", f"/jobs/{job_id}"):
        assert "No worker was heard from" in browser.page(path).text, path
    beat(api)
    assert "No worker was heard from" not in browser.page(f"/jobs/{job_id}").text
    on_full_disk = make_api(api.settings.model_copy(update={"min_free_bytes": 10**18}), api.store)
    there = Browser.with_session(on_full_disk)
    for path in ("/", "/new", f"/jobs/{job_id}"):
        assert "no upload and no job is accepted" in there.page(path).text, path
    api.post(f"/v1/jobs/{job_id}/cancel")
    assert "no upload" not in there.page(f"/jobs/{job_id}").text


def test_the_page_says_that_the_store_is_away_and_still_shows_the_rest(
    api: Api, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = WorkerStore.connect_for_answers("redis://127.0.0.1:9/0")
    monkeypatch.setattr(api.store, "_redis", away._redis)
    monkeypatch.setattr(api.store, "_outage", away._outage)
    page = browser.page("/")
    assert "The job store does not answer." in page.text
    assert "Start the service again" in page.text
    assert "Models" in page.text
    refused = browser.get("/jobs/ftjob-x")
    assert refused.status_code == 503
    for words in ("The job store does not answer.", "Start the service again", "No job is lost"):
        assert words in Page.read(refused.text).text, words
    assert "sent again" not in refused.text, "who only looks has sent nothing"
    assert "sent again" in browser.send("/jobs/ftjob-x/cancel").text


def test_a_page_that_is_not_there_is_a_page_in_a_browser_and_json_for_programs(
    api: Api, browser: Browser
) -> None:
    for path in ("/nowhere", "/jobs/x/cancel"):
        answer = browser.get(path)
        assert answer.status_code in (404, 405)
        assert answer.content_type.startswith("text/html")
        assert "To the first page" in answer.text
        assert api.get(path).content_type == "application/problem+json"
    assert browser.get("/v1/nowhere").content_type == "application/problem+json"


def test_style_script_and_sign_are_sent_once(api: Api) -> None:
    for route in PAGES:
        if route.path.startswith("/static/"):
            first = api.client.get(route.path)
            assert first.status_code == 200
            again = api.client.get(route.path, headers={"If-None-Match": first.headers["ETag"]})
            assert (again.status_code, again.data) == (304, b"")


def test_no_path_of_the_machine_is_told_to_a_browser_elsewhere(
    api: Api, browser: Browser, tmp_path: Path
) -> None:
    for path in ("/", "/new"):
        assert str(tmp_path) not in browser.get(path, **{"X-Forwarded-For": "10.0.0.9"}).text
