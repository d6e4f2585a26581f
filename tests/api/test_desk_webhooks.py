"""Webhooks on the pages: an address in the form of a new job, and on a job's page who was told."""

from collections.abc import Iterator

import pytest

from services.api.desk.deliveries import short_address
from services.api.webhooks.sender import Sender
from shared.webhook_store import WebhookStore
from tests.api.conftest import Api
from tests.api.desk import Browser, forms
from tests.api.html_page import Page
from tests.api.receiver import Receiver, receiver


@pytest.fixture
def browser(api: Api) -> Browser:
    return Browser.with_session(api)


@pytest.fixture
def there() -> Iterator[Receiver]:
    with receiver() as here:
        yield here


def form_of(api: Api) -> dict[str, str]:
    return {"rows": f"training_file:{api.uploaded()}", "model": "tiny", "once": "x"}


def test_the_address_in_the_form_is_told_of_the_plan_and_of_its_training(api: Api, browser: Browser) -> None:
    fields = form_of(api)
    page = browser.page(f"/new/settings?rows={fields['rows']}")
    assert "webhook" in {each.get("name") for each in page.all("input")}
    path = browser.sent("/new/plan", webhook=" https://example.com/hook ", **fields)
    plan = path.removeprefix("/jobs/")
    assert api.store.get(plan).request["webhook"] == "https://example.com/hook"
    again = browser.get(f"/new/settings?from={plan}").text
    assert 'value="https://example.com/hook"' in again
    api.store.finish(api.claim(), "succeeded", message="Done", result={"dry_run": True})
    training = browser.sent(f"{path}/start").removeprefix("/jobs/")
    assert api.store.get(training).request["webhook"] == "https://example.com/hook"


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("ftp://example.com", "an address that begins with http:// or https://"),
        ("https://me:secret@example.com/", "can't have a user name or a password"),
        ("http://192.168.1.5/hook", "leads into this machine or a private network"),
        ("https://" + "a" * 2000, "at most 2,000 characters"),
    ],
)
def test_an_address_is_refused_as_the_api_refuses_it(api: Api, browser: Browser, url: str, says: str) -> None:
    fields = form_of(api)
    answer = browser.send("/new/plan", webhook=url, **fields)
    file = fields["rows"].partition(":")[2]
    body = {"kind": "fine_tuning", "model": "tiny", "training_file": file, "webhook": url}
    refused = api.post("/v1/jobs", json=body)
    assert (answer.status_code, refused.status_code) == (422, 422)
    assert says in Page.read(answer.text).text
    assert says in refused.get_json()["detail"]
    assert 'id="webhook-wrong"' in answer.text
    assert '<details id="more-settings" open>' in answer.text
    assert api.store.list_jobs(limit=5).records == ()


def test_a_job_s_page_lists_who_was_told_and_sends_once_more(
    api: Api, browser: Browser, there: Receiver
) -> None:
    settings = api.settings.model_copy(update={"webhook_urls": (f"{there.url}/word-in-the-path?key=s3cret",)})
    sender = Sender(settings, WebhookStore.of(api.store))
    sender.send_due()
    job_id = str(api.submitted()["id"])
    own = f"/jobs/{job_id}"
    resend = f"{own}/webhooks/{job_id}.1/resend"
    assert "Webhooks" not in browser.page(own).text
    api.post(f"/v1/jobs/{job_id}/cancel")
    assert "to be delivered" in browser.page(own).text
    assert resend not in forms(browser.page(own))
    there.answer(500)
    sender.send_due()
    page = browser.page(own)
    told = f"http://127.0.0.1:{there.port}/hook/word-in-the-path… to be delivered · 1 try · next try in 5 s"
    assert f"{told} · The address answered HTTP 500." in page.text
    assert "s3cret" not in browser.get(own).text
    assert browser.sent(resend) == own
    sender.send_due()
    assert "delivered · 1 try · HTTP 204" in browser.page(own).text
    assert resend not in forms(browser.page(own))
    assert len(there.received) == 2
    assert browser.send(f"{own}/webhooks/nothing/resend").status_code == 404


def test_a_delivery_that_was_given_up_says_so(api: Api, browser: Browser, there: Receiver) -> None:
    settings = api.settings.model_copy(update={"webhook_urls": (there.url,)})
    sender = Sender(settings, WebhookStore.of(api.store))
    sender.send_due()
    there.answer(410)
    for words in ("given up · 1 try · The address answered HTTP 410", "not sent, since the address wants no"):
        job_id = str(api.submitted()["id"])
        api.post(f"/v1/jobs/{job_id}/cancel")
        sender.send_due()
        page = browser.page(f"/jobs/{job_id}")
        assert words in page.text
        assert f"/jobs/{job_id}/webhooks/{job_id}.1/resend" in forms(page)


@pytest.mark.parametrize(
    ("url", "short"),
    [
        ("https://example.com/hook", "https://example.com/hook"),
        ("https://example.com:8443/", "https://example.com:8443/"),
        ("https://example.com/hook?key=1", "https://example.com/hook…"),
        ("https://example.com/" + "a" * 40, "https://example.com/" + "a" * 23 + "…"),
        ("no address at all, but a long text", "no address at all, but a…"),
    ],
)
def test_an_address_is_shown_without_what_may_be_secret(url: str, short: str) -> None:
    assert short_address(url) == short
