"""The rows of a new training on its pages: how they are read, which model is to learn them, old uploads."""

import json

import pytest

from services.api.desk.routes import PAGES
from shared.settings import DEMO_MODEL, Settings
from shared.worker_store import WorkerStore
from tests.api.conftest import Api, make_api
from tests.api.desk import Browser, trained
from tests.api.html_page import Page

OTHER_NAMES = [
    {"comment on the parcel": "win a free prize now, call us today", "category": "spam"},
    {"comment on the parcel": "see you at seven in front of the house", "category": "ham"},
]
QUESTIONS = [{"q": "Where is it?", "a": "Here, below the table."}, {"q": "Who is it?", "a": "It is only me."}]


@pytest.fixture
def browser(api: Api) -> Browser:
    return Browser.with_session(api)


def buttons(page: Page) -> list[str]:
    return [each["value"] for each in page.all("button") if each.get("name") == "reading"]


def test_rows_with_other_names_are_read_by_a_button(api: Api, browser: Browser) -> None:
    key = f"training_file:{api.uploaded(OTHER_NAMES)}"
    page = browser.page(f"/new/settings?rows={key}")
    assert "can't be used as they are" in page.text
    assert "give comment on the parcel as the text and category as the label" in page.text
    assert '"columns"' not in page.text, "fields of a request are no words of a page"
    (reading,) = buttons(page)
    answer = browser.send("/new/check", rows=key, model="tiny", reading=reading)
    assert answer.status_code == 200
    page = Page.read(answer.text)
    assert "2 rows can be used as they are." in page.text
    assert buttons(page) == []
    fields = {each["name"]: each.get("value", "") for each in page.all("input") if "name" in each}
    assert (fields["columns.text"], fields["columns.label"]) == ("comment on the parcel", "category")
    sent = {name: value for name, value in fields.items() if name not in ("model", "other_model")}
    path = browser.sent("/new/plan", model="tiny", **sent)
    asked = api.store.get(path.removeprefix("/jobs/")).request
    assert asked["columns"] == {"text": "comment on the parcel", "label": "category"}
    again = browser.page(f"/new/settings?from={path.removeprefix('/jobs/')}")
    assert "2 rows can be used as they are." in again.text


def test_somebody_says_how_the_rows_are_read(api: Api, browser: Browser) -> None:
    key = f"training_file:{api.uploaded(QUESTIONS)}"
    named = {"columns.prompt": "q", "columns.completion": "a", "instruction": "Answer"}
    answer = browser.send("/new/check", rows=key, model="tiny", format="prompt_completion", **named)
    page = Page.read(answer.text)
    assert "2 rows can be used as they are." in page.text
    assert "questions and answers" in page.text
    assert "Answer</textarea>" in answer.text
    assert '<option value="prompt_completion" selected>' in answer.text
    assert '<details id="how-rows-are-read" open>' in answer.text
    wrong = browser.send("/new/check", rows=key, model="tiny", format="text", **named)
    assert wrong.status_code == 422
    assert "does not have these fields together" in Page.read(wrong.text).text
    assert 'value="q"' in wrong.text
    assert browser.sent("/new/check") == "/new"


def test_rows_that_cannot_be_used_are_counted_among_all_and_their_lines_told_once(
    api: Api, browser: Browser
) -> None:
    bad = [{"text": "", "label": "ham"}] * 3
    rows = [{"text": f"see you at {hour}", "label": "ham" if hour % 2 else "spam"} for hour in range(12)]
    page = browser.page(f"/new/settings?rows=training_file:{api.uploaded([*rows, *bad])}")
    assert "rows15 " in page.text
    assert "unusable3 " in page.text
    assert "3 of 15 rows can't be used." in page.text
    assert "Line 13: text is empty or only white space." in page.text
    assert "2 more rows have this problem: lines 14 and 15." in page.text
    assert page.text.count("lines 1") == 1


@pytest.mark.parametrize(
    ("content", "names"),
    [
        (b"comment;kind of mail;id\nwin a prize;spam;1\nsee you;ham;2\n", ["comment", "kind of mail", "id"]),
        (b'{"q": "Where?", "a": "Here."}\n{"q": "Who?", "a": "I.", "<b>": 1}\n', ["q", "a", "<b>"]),
        (b"text,label\nwin a prize,spam\nsee you,ham\n", ["text", "label"]),
    ],
)  # fmt: skip
def test_the_names_of_the_file_s_columns_are_offered(
    api: Api, browser: Browser, content: bytes, names: list[str]
) -> None:
    file_id = api.upload(content, "rows.jsonl" if content[:1] == b"{" else "rows.csv").get_json()["id"]
    page = browser.page(f"/new/settings?rows=training_file:{file_id}")
    (start,) = [at for at, (tag, each) in enumerate(page.elements) if each.get("id") == "fields-seen"]
    offered = page.elements[start + 1 : start + 1 + len(names)]
    assert offered == [("option", {"value": name}) for name in names]
    fields = [each for each in page.all("input") if each.get("name", "").startswith("columns.")]
    assert {each.get("list") for each in fields} == {"fields-seen"}
    assert "The file has these columns or fields:" in page.text


def test_a_first_row_of_content_is_offered_as_no_name(api: Api, browser: Browser) -> None:
    content = b"win a free prize now call us today,1\nsee you at seven in front of the house,0\n"
    file_id = api.upload(content, "rows.csv").get_json()["id"]
    text = browser.get(f"/new/settings?rows=training_file:{file_id}").text
    assert 'id="fields-seen"' not in text


def test_a_training_of_other_names_is_evaluated_with_them_where_the_rows_have_them(
    api: Api, browser: Browser
) -> None:
    columns = {"text": "comment on the parcel", "label": "category"}
    job_id = trained(api, training_file=api.uploaded(OTHER_NAMES), columns=columns)
    for rows, expected in ((OTHER_NAMES, columns), (None, {})):
        path = browser.sent(f"/jobs/{job_id}/evaluate", rows=f"training_file:{api.uploaded(rows)}")
        assert api.store.get(path.removeprefix("/jobs/")).request["columns"] == expected


def test_rows_that_a_model_has_learned_are_named_so_and_are_no_first_choice(
    api: Api, browser: Browser
) -> None:
    (api.settings.datasets_dir / "sample.jsonl").write_text('{"text": "a", "label": "b"}\n')
    learned, other = api.uploaded(), api.uploaded()
    job_id = trained(api, training_file=learned)
    page = browser.page(f"/jobs/{job_id}")
    keys = [each["value"] for each in page.all("option")]
    assert keys.index(f"training_file:{other}") < keys.index(f"training_file:{learned}")
    assert keys[-1] == "dataset:sample"
    assert page.text.count("(learned)") == 1


def chosen_model(page: Page) -> str:
    (chosen,) = [
        each["value"] for each in page.all("input") if each.get("type") == "radio" and "checked" in each
    ]
    return chosen


def test_the_form_begins_with_a_model_that_is_here(settings: Settings, store: WorkerStore) -> None:
    shipped = str(Settings.model_fields["default_model"].default)
    api = make_api(settings.model_copy(update={"default_model": shipped}), store)
    browser, path = Browser.with_session(api), f"/new/settings?rows=training_file:{api.uploaded()}"
    assert chosen_model(browser.page(path)) == DEMO_MODEL
    copy = settings.data_dir / "models" / "copy"
    copy.mkdir(parents=True)
    files = {"a": {"bytes": 700000, "sha256": "0"}}
    (copy / "manifest.json").write_text(json.dumps({"kind": "nf4", "name": shipped, "files": files}))
    assert chosen_model(browser.page(path)) == shipped
    trained(api, model="tiny")
    api.submitted(model="owner/not-there")
    assert chosen_model(browser.page(path)) == "tiny", "as the last training that succeeded had it"


def test_a_model_that_is_not_listed_is_typed(api: Api, browser: Browser) -> None:
    key = f"training_file:{api.uploaded()}"
    path = browser.sent("/new/plan", rows=key, model="?", other_model="someone/a-model")
    assert api.store.get(path.removeprefix("/jobs/")).request["model"] == "someone/a-model"
    answer = browser.send("/new/plan", rows=key, model="?")
    assert answer.status_code == 422
    assert "model must not be empty" in Page.read(answer.text).text
    again = Page.read(browser.send("/new/plan", rows=key, model="?", other_model="no such one").text)
    assert chosen_model(again) == "?"
    assert "no such one" in {each.get("value") for each in again.all("input")}


def test_an_upload_is_deleted_from_the_list(api: Api, browser: Browser) -> None:
    file_id = api.uploaded()
    order = f"/new/files/{file_id}/delete"
    assert order in {each.get("action") for each in browser.page("/new").all("form")}
    assert browser.sent(order) == "/new"
    assert file_id not in browser.get("/new").text
    assert browser.send(order).status_code == 404


def test_no_two_pages_have_one_address() -> None:
    assert len({(route.method, route.path) for route in PAGES}) == len(PAGES)


def test_a_header_s_names_are_no_markup(api: Api, browser: Browser) -> None:
    hostile = "<b>x</b>"
    rows = [{hostile: "a long text of many words for this row", "label": f"{number}"} for number in "ab"]
    text = browser.get(f"/new/settings?rows=training_file:{api.uploaded(rows)}").text
    assert "<b>x" not in text
    assert "&lt;b&gt;x" in text
