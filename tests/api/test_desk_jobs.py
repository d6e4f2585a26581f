"""The page of all jobs, and the models that trainings made, on the first page."""

import pytest

from services.api.desk import all_jobs
from tests.api.conftest import Api
from tests.api.desk import Browser, trained
from tests.api.html_page import Page


@pytest.fixture
def browser(api: Api) -> Browser:
    return Browser.with_session(api)


def listed(page: Page) -> list[str]:
    links = [each.get("href", "") for each in page.all("a")]
    return [link.removeprefix("/jobs/") for link in links if link.startswith("/jobs/")]


def test_all_jobs_are_listed_page_by_page(
    api: Api, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(all_jobs, "PAGE", 2)
    assert "No job has run here yet." in browser.page("/jobs").text
    first, second, third = (api.submitted()["id"] for _ in range(3))
    page = browser.page("/jobs")
    assert listed(page) == [third, second]
    assert f"/jobs?after={second}" in {each.get("href") for each in page.all("a")}
    older = browser.page(f"/jobs?after={second}")
    assert listed(older) == [first]
    assert "Older jobs" not in older.text
    assert "Newest jobs" in older.text
    assert browser.get("/jobs?after=ftjob-gone").headers["Location"] == "/jobs"


def test_jobs_are_listed_by_kind_and_status(api: Api, browser: Browser) -> None:
    training = api.submitted()["id"]
    api.post(f"/v1/jobs/{training}/cancel")
    waiting = api.submitted()["id"]
    diagnosis = api.post("/v1/jobs", json={"kind": "load_diagnostic", "model": "tiny"}).get_json()["id"]
    for query, expected in (
        ("kind=fine_tuning", [waiting, training]),
        ("kind=load_diagnostic&status=queued", [diagnosis]),
        ("status=cancelled", [training]),
        ("kind=nonsense&status=", [diagnosis, waiting, training]),
    ):
        assert listed(browser.page(f"/jobs?{query}")) == expected, query
    page = browser.page("/jobs?kind=evaluation&status=failed")
    assert "No job is of this kind and status." in page.text
    assert [each["value"] for each in page.all("option") if "selected" in each] == ["evaluation", "failed"]


def test_models_that_were_made_are_on_the_first_page_until_they_are_deleted(
    api: Api, browser: Browser
) -> None:
    job_id = trained(api, suffix="mail-sorter")
    page = browser.page("/")
    assert "Fine-tuned models" in page.text
    assert "mail-sorter" in page.text
    assert f"/v1/jobs/{job_id}/adapter" in {each.get("href") for each in page.all("a")}
    model = api.store.get(job_id).result or {}
    assert api.delete(f"/v1/models/{model['fine_tuned_model']}").status_code == 200
    assert "Fine-tuned models" not in browser.page("/").text


def test_a_finished_training_says_how_its_adapter_is_used(api: Api, browser: Browser) -> None:
    job_id = trained(api)
    text = browser.page(f"/jobs/{job_id}").text
    assert f"tar -xf {job_id}-adapter.tar" in text
    assert f'PeftModel.from_pretrained(base, "{job_id}-adapter")' in text


def test_a_paused_queue_is_told_where_no_job_is(api: Api, browser: Browser) -> None:
    assert browser.sent("/queue/pause") == "/"
    page = browser.page("/")
    assert "No job has run here yet." in page.text
    assert "no job starts" in page.text
    assert "/queue/resume" in {each.get("action") for each in page.all("form")}
