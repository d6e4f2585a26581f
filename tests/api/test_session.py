"""A browser's session: begun with the key, signed, ended with it, and of no use to pages of other sites."""

import time
from pathlib import Path

import pytest

from services.api.auth import KeyRing, load_keys, new_key
from services.api.desk.forms import local_path
from services.api.session import begin_session, check_request, has_session
from shared.errors import CrossSite, Unauthorized
from shared.settings import Settings
from tests.api.conftest import Api
from tests.api.desk import SAME_ORIGIN, Browser
from tests.api.html_page import Page


def ring(folder: Path, *keys: str) -> KeyRing:
    path = folder / "keys"
    path.write_text("\n".join(keys))
    return load_keys(Settings(data_dir=folder, api_keys_file=path))


def headers_with(keys: KeyRing, key: str, **others: str) -> dict[str, str]:
    cookie = begin_session(keys, key)
    return {"cookie": f"strange cookie; {cookie.name}={cookie.value}; b=c", **others}


def test_a_session_ends_with_the_key_that_began_it_and_no_other(tmp_path: Path) -> None:
    old, new = new_key(), new_key()
    both = ring(tmp_path, old, new)
    of_old, of_new = headers_with(both, old), headers_with(both, new)
    assert has_session(both, of_old.get)
    assert has_session(both, of_new.get)
    after = ring(tmp_path, new)
    assert not has_session(after, of_old.get)
    assert has_session(after, of_new.get)


def test_a_session_ends_after_thirty_days(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key = new_key()
    keys = ring(tmp_path, key)
    headers = headers_with(keys, key)
    now = time.time()
    monkeypatch.setattr("services.api.session.time.time", lambda: now + 30 * 86_400 - 5)
    assert has_session(keys, headers.get)
    monkeypatch.setattr("services.api.session.time.time", lambda: now + 30 * 86_400 + 5)
    assert not has_session(keys, headers.get)


def test_a_changed_cookie_opens_nothing(tmp_path: Path) -> None:
    key = new_key()
    keys = ring(tmp_path, key)
    good = begin_session(keys, key)
    until, nonce, signature = good.value.split(".")
    for value in (
        f"{int(until) + 1}.{nonce}.{signature}", f"{until}.x{nonce}.{signature}", f"{until}.{nonce}.",
        f"{until}.{nonce}.{signature[:-1]}é", "", ".", "..", "x",
    ):  # fmt: skip
        assert not has_session(keys, {"cookie": f"{good.name}={value}"}.get)
    assert not has_session(keys, {"cookie": f"session={good.value}"}.get)


@pytest.mark.parametrize(
    ("headers", "is_let_in"),
    [
        ({"sec-fetch-site": "same-origin"}, True),
        ({"sec-fetch-site": "same-site", "origin": "http://pi:8080", "host": "pi:8080"}, False),
        ({"sec-fetch-site": "cross-site"}, False),
        ({"sec-fetch-site": "none"}, False),
        ({"origin": "http://pi:8080", "host": "pi:8080"}, True),
        ({"origin": "http://PI:8080", "host": "pi:8080"}, True),
        ({"origin": "http://pi:3000", "host": "pi:8080"}, False),
        ({"origin": "null", "host": "pi:8080"}, False),
        ({"host": "pi:8080"}, False),
        ({}, False),
    ],
)
def test_only_our_own_pages_change_something_by_a_session(
    tmp_path: Path, headers: dict[str, str], is_let_in: bool
) -> None:
    key = new_key()
    keys = ring(tmp_path, key)
    sent = headers_with(keys, key, **headers)
    check_request(keys, "GET", sent.get)
    if is_let_in:
        check_request(keys, "POST", sent.get)
    else:
        with pytest.raises(CrossSite):
            check_request(keys, "POST", sent.get)
    check_request(keys, "POST", {**headers, "authorization": f"Bearer {key}"}.get)


def test_a_wrong_key_is_not_made_good_by_a_session(tmp_path: Path) -> None:
    key = new_key()
    keys = ring(tmp_path, key)
    with pytest.raises(Unauthorized):
        check_request(keys, "GET", headers_with(keys, key, authorization="Bearer other").get)


def test_the_first_page_asks_for_the_key_and_leads_to_where_one_wanted_to_go(api: Api) -> None:
    answer = Browser(api).get("/jobs/ftjob-x?a=b")
    assert answer.status_code == 401
    page = Page.read(answer.text)
    assert "Open Tunedock" in page.text
    (back,) = [each["value"] for each in page.all("input") if each.get("name") == "back"]
    assert back == "/jobs/ftjob-x?a=b"
    begun = Browser(api).send("/session", key=f" {api.key}\n", back=back)
    assert (begun.status_code, begun.headers["Location"]) == (303, back)
    cookie = begun.headers["Set-Cookie"]
    assert {"HttpOnly", "SameSite=Strict", "Path=/", f"Max-Age={30 * 86_400}"} <= set(cookie.split("; "))
    assert api.key not in cookie


def test_a_wrong_key_is_told_with_what_to_do_and_no_session_begins(api: Api) -> None:
    wrong = api.key[:-1] + ("x" if api.key[-1] != "x" else "y")
    tried = ((wrong, "typing error"), ("a-wholly-different-key-of-another", "does not know"), ("", "Type"))
    for key, words in tried:
        answer = Browser(api).send("/session", key=key, back="/new")
        assert answer.status_code == 401
        assert words in Page.read(answer.text).text
        assert "Set-Cookie" not in answer.headers
        assert 'value="/new"' in answer.text
        assert not key or key not in answer.text


def test_a_session_opens_the_api_too_and_ends(api: Api) -> None:
    browser = Browser.with_session(api)
    assert browser.get("/v1/jobs").status_code == 200
    assert browser.get("/").status_code == 200
    assert api.client.post("/v1/queue/pause").status_code == 403
    assert api.client.post("/v1/queue/pause", headers=SAME_ORIGIN).status_code == 200
    assert browser.sent("/session/end") == "/"
    assert browser.get("/v1/jobs").status_code == 401
    assert browser.get("/").status_code == 401


def test_a_link_on_another_site_leads_in_all_the_same(api: Api) -> None:
    """Browsers send no cookie with it, but do when the page then asks for itself."""
    led = Browser(api).get("/", **{"Sec-Fetch-Site": "cross-site"})
    assert (led.status_code, 'http-equiv="refresh"' in led.text) == (401, True)
    own = Browser(api).get("/", **{"Sec-Fetch-Site": "same-origin"})
    assert (own.status_code, 'http-equiv="refresh"' in own.text) == (401, False)


def test_another_site_s_page_begins_and_ends_no_session(api: Api) -> None:
    for path in ("/session", "/session/end"):
        answer = api.client.post(path, data={"key": api.key}, headers={"Sec-Fetch-Site": "cross-site"})
        assert answer.status_code == 403
        assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize(
    "path", ["//evil.example", "/\\evil.example", "https://evil.example", "", "/a\nb", "javascript:x", None]
)
def test_the_key_leads_to_no_other_server(path: str | None) -> None:
    assert local_path(path) == "/"
    assert local_path("/jobs/x?after=1-2") == "/jobs/x?after=1-2"
