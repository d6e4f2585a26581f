"""A browser with a session: it keeps cookies, sends forms as pages do, and reads pages back."""

from dataclasses import dataclass
from typing import Any

from werkzeug.test import TestResponse

from tests.api.conftest import Api
from tests.api.html_page import Page

SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin", "Accept": "text/html"}


@dataclass(frozen=True)
class Browser:
    """Over the test client of `api`, whose cookies are its own."""

    api: Api

    @classmethod
    def with_session(cls, api: Api) -> "Browser":
        browser = cls(api)
        assert browser.send("/session", key=api.key).status_code == 303
        return browser

    def get(self, path: str, **headers: str) -> TestResponse:
        return self.api.client.get(path, headers={"Accept": "text/html", **headers})

    def page(self, path: str) -> Page:
        answer = self.get(path)
        assert answer.status_code == 200, answer.text
        return Page.read(answer.text)

    def send(self, path: str, /, **fields: Any) -> TestResponse:
        """A form of one of our pages."""
        return self.api.client.post(path, data=fields, headers=SAME_ORIGIN)

    def sent(self, path: str, /, **fields: Any) -> str:
        """The page that a form leads to."""
        answer = self.send(path, **fields)
        assert answer.status_code == 303, answer.text
        return str(answer.headers["Location"])
