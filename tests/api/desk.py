"""A browser with a session: it keeps cookies, sends forms as pages do, and reads pages back."""

from dataclasses import dataclass
from typing import Any

from werkzeug.test import TestResponse

from shared.model_names import fine_tuned_model_id
from tests.adapter_folders import lay_out_adapter
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


def forms(page: Page) -> set[str]:
    return {each.get("action", "") for each in page.all("form")}


def trained(api: Api, **asked: Any) -> str:
    """The id of a new fine-tuning that succeeded."""
    job_id = str(api.submitted(**asked)["id"])
    result = {
        "adapter": "adapter", "steps": 40, "train_loss": 0.1, "first_train_loss": 3.0, "validation_loss": 0.2,
        "validation": [], "training_seconds": 20.0, "trained_tokens": 9, "computed_tokens": 9,
        "target_tokens": 5, "resumed_from_step": None, "plan": {}, "format": "classification",
        "instruction": None, "labels": ["ham", "spam"], "thinking": None, "max_seq_length": 512, "rows": 3,
        "fine_tuned_model": fine_tuned_model_id("tiny", None, job_id),
    }  # fmt: skip
    lay_out_adapter(api.job_folder(job_id) / "adapter")
    (api.job_folder(job_id) / "report.json").write_text("{}")
    api.store.finish(api.claim(), "succeeded", message="Done", result=result)
    return job_id
