"""A newcomer's way through the pages in a real Chromium, over the whole real service with a tiny model.

`-s` prints what each page weighs and when it could be used.
"""

import re
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, Route, expect

from tests.chromium import Watched, chromium
from tests.stack import LiveStack, live_stack

SOON_MS = 60_000  # a loaded machine starts a job late
RUN_MS = 240_000  # and ends one late: at a load average of 15 a step took 66 ms
STEPS = "800"  # of a few milliseconds: the run must outlast what is done beside it
OF_SCRIPT = ("fetch", "xhr", "eventsource")
MOST_TABS = 60


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveStack]:
    with live_stack(tmp_path_factory.mktemp("browser")) as stack:
        yield stack


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def desk(browser: Browser) -> Iterator[Watched]:
    """A window of somebody who was never here."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, accept_downloads=True)
    context.set_default_timeout(SOON_MS)
    expect.set_options(timeout=SOON_MS)
    yield Watched.of(context)
    context.close()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_newcomer_gets_from_the_first_visit_to_an_adapter(
    stack: LiveStack, desk: Watched, tmp_path: Path
) -> None:
    open_with_key(stack, desk)
    mend_the_rows(desk, tmp_path)
    plan(desk)
    start_and_watch(desk)
    cancel_another(desk)
    read_the_report(desk)
    download(desk, tmp_path)
    delete(desk)
    print(*(f"{desk.bytes[path]:>7,} B {desk.seconds[path]:.2f} s {path}" for path in desk.bytes), sep="\n")


def open_with_key(stack: LiveStack, desk: Watched) -> None:
    """By keyboard alone, a wrong key first."""
    page = desk.page
    page.goto(stack.url)
    expect(page.get_by_label("API key")).to_be_focused()
    desk.check()
    page.keyboard.type("td-wrong")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("./tunedock key")
    expect(page.get_by_label("API key")).to_be_focused()
    page.keyboard.type(stack.key)
    page.keyboard.press("Enter")
    expect(heading(page)).to_have_text("No job has run here yet.")
    desk.check()


def mend_the_rows(desk: Watched, folder: Path) -> None:
    """The first file has a fault, which is told with its line; the second is good."""
    page = desk.page
    press_by_keyboard(page, "Begin")
    expect(heading(page)).to_have_text("Which rows shall the model learn?")
    desk.check()
    upload(page, folder / "rows.csv", "text,label\nwin a prize,spam\n,ham\n")
    expect(page.locator("main")).to_contain_text("These rows can't be used as they are.")
    expect(page.locator("main")).to_contain_text("Line 3")
    desk.check()
    page.get_by_role("link", name="Upload the corrected file").click()
    lines = [f"{'win a prize' if number % 2 else 'see you at'} {number},{'spam' if number % 2 else 'ham'}"
             for number in range(60)]  # fmt: skip
    upload(page, folder / "rows.csv", "\n".join(["text,label", *lines, ""]))
    expect(page.locator("main")).to_contain_text("60 rows can be used as they are.")


def upload(page: Page, path: Path, text: str) -> None:
    path.write_text(text)
    page.get_by_label("File", exact=True).set_input_files(path)
    press_by_keyboard(page, "Upload and continue")


def plan(desk: Watched) -> None:
    """The plan's page becomes ready by itself."""
    page = desk.page
    page.get_by_text("More settings").click()
    page.get_by_label("Steps at most").fill(STEPS)
    page.get_by_label("Longest row, in tokens").fill("64")
    page.get_by_label("Rows of a step").fill("4")
    press_by_keyboard(page, "Make the plan")
    expect(page.get_by_role("button", name="Start training")).to_be_visible()
    expect(page.locator("main")).to_contain_text("The plan is ready")
    expect(page.locator("mark").first).to_have_text(re.compile("spam|ham"))
    desk.check()


def start_and_watch(desk: Watched) -> None:
    """The loss is drawn further and further, and what has the focus keeps it."""
    page = desk.page
    press_by_keyboard(page, "Start training")
    loss = page.locator("polyline.loss")
    expect(loss).to_be_attached()
    page.get_by_text("Cancel", exact=True).focus()
    expect(loss).not_to_have_attribute("points", loss.get_attribute("points") or "")
    expect(page.get_by_text("Cancel", exact=True)).to_be_focused()


def cancel_another(desk: Watched) -> None:
    """From a second window, which opens no stream of its own; both follow what the other one does."""
    other = Watched.of(desk.page.context)
    page = other.page
    page.goto(desk.page.url.partition("/jobs/")[0])
    page.get_by_role("button", name="Pause all").click()
    expect(page.locator("main")).to_contain_text("The queue is paused: no job starts.")
    expect(desk.page.locator("#live-head .status")).to_contain_text("paused")
    page.goto(desk.page.url.replace("/jobs/", "/new/settings?from="))
    expect(page.get_by_label("Steps at most")).to_have_value(STEPS)
    press_by_keyboard(page, "Make the plan")
    page.get_by_text("Cancel", exact=True).click()
    page.get_by_role("button", name="Cancel the job").click()
    expect(page.locator("#live-head .status")).to_contain_text("cancelled")
    page.get_by_role("link", name="Jobs", exact=True).click()
    expect(page.locator("main")).to_contain_text("cancelled")
    other.check()
    page.get_by_role("button", name="Let jobs start").click()
    expect(desk.page.get_by_role("link", name="Download the adapter")).to_be_visible(timeout=RUN_MS)
    assert (desk.streams > 0, other.streams) == (True, 0)
    page.close()
    desk.check()


def read_the_report(desk: Watched) -> None:
    page = desk.page
    page.get_by_role("link", name="Open the report").click()
    expect(page).to_have_url(re.compile(r"/jobs/[^/]+/report$"))
    desk.check()
    page.get_by_role("link", name="Page of the job").click()
    expect(page.get_by_role("link", name="Open the report")).to_be_visible()


def download(desk: Watched, folder: Path) -> None:
    with desk.page.expect_download() as downloading:
        desk.page.get_by_role("link", name="Download the adapter").click()
    expect(desk.page.locator("main")).to_contain_text(f"tar -xf {downloading.value.suggested_filename}")
    downloading.value.save_as(folder / "adapter.tar")
    with tarfile.open(folder / "adapter.tar") as archive:
        names = [name.partition("/")[2] for name in archive.getnames()]
    assert {"adapter_config.json", "adapter_model.safetensors"} <= set(names)


def delete(desk: Watched) -> None:
    page = desk.page
    own = page.url.partition("/jobs/")[2]
    page.get_by_text("Delete", exact=True).click()
    page.get_by_role("button", name="Delete for good").click()
    expect(heading(page)).to_have_text("Nothing runs, and nothing waits.")
    expect(page.locator(f"a[href='/jobs/{own}']")).to_have_count(0)
    desk.check()


@pytest.mark.slow
def test_a_page_whose_script_reaches_nothing_works_by_links_and_forms(
    stack: LiveStack, desk: Watched, tmp_path: Path
) -> None:
    page = desk.page
    page.goto(f"{stack.url}/new")
    page.get_by_label("API key").fill(stack.key)
    page.keyboard.press("Enter")
    expect(heading(page)).to_have_text("Which rows shall the model learn?")
    page.context.route("**/*", cut_off)
    stack.client.order_queue("pause")
    upload(page, tmp_path / "rows.csv", "text,label\nwin a prize,spam\nsee you at 7,ham\n")
    expect(page.locator("main")).to_contain_text("2 rows can be used as they are.")
    page.get_by_role("button", name="Make the plan").click()
    page.get_by_role("button", name="Pause", exact=True).click()
    expect(page.locator("#live-head .status")).to_contain_text("paused")
    page.get_by_text("Cancel", exact=True).click()
    page.get_by_role("button", name="Cancel the job").click()
    expect(page.locator("#live-head .status")).to_contain_text("cancelled")
    page.get_by_text("Delete", exact=True).click()
    page.get_by_role("button", name="Delete for good").click()
    page.get_by_role("button", name="Let jobs start").click()
    expect(page.get_by_role("button", name="Let jobs start")).to_have_count(0)


def cut_off(route: Route) -> None:
    """The network of the page's script is gone; links and forms still have theirs."""
    if route.request.resource_type in OF_SCRIPT:
        route.abort()
    else:
        route.continue_()


def heading(page: Page) -> Locator:
    return page.get_by_role("heading", level=1)


def press_by_keyboard(page: Page, words: str) -> None:
    """Reach the link or button of these words with Tab, and press Enter."""
    for _ in range(MOST_TABS):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent.trim()") == words:
            page.keyboard.press("Enter")
            return
    raise AssertionError(f"Tab does not reach {words!r}")
