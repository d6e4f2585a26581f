"""A real Chromium for tests: found on this machine, and watched for what our pages must not do.

with chromium() as browser:
    watched = Watched.of(browser.new_context())
    watched.page.goto(url)
    watched.check()                          # no error in its console, light enough, usable at a glance
"""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

NAMED = os.environ.get("TUNEDOCK_CHROMIUM")  # read here: tests lose the variables of whoever runs them
PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
NONE_HERE = (
    "no Chromium is on this machine: install one (Debian: apt-get install chromium; elsewhere: "
    "python -m playwright install chromium), or name its program in TUNEDOCK_CHROMIUM"
)
# It asks nobody but the test's service. As root it starts only without its own sandbox; the pages are ours.
FLAGS = ["--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-gpu"]
MOST_BYTES = 200_000
LONGEST_SECONDS = 5.0  # until a page can be used; a second where nothing else runs
GRAVE = ("serious", "critical")
ASKED_FOR_KEY = "status of 401"  # the console repeats it; the page is the form for the key

Theme = Literal["light", "dark"]


@contextmanager
def chromium() -> Iterator[Browser]:
    """Skips the test where there is none."""
    with sync_playwright() as playwright:
        program = _program(playwright.chromium.executable_path)
        if program is None:
            pytest.skip(NONE_HERE)
        flags = [*FLAGS, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
        browser = playwright.chromium.launch(executable_path=program, args=flags)
        try:
            yield browser
        finally:
            browser.close()


def _program(own: str) -> str | None:
    """`own`: where playwright would have put one."""
    found = (shutil.which(name) for name in (NAMED, *PROGRAMS) if name)
    return next(filter(None, found), None) or (own if Path(own).exists() else None)


@dataclass
class Watched:
    """A page, and what went wrong on it so far: messages of its console, errors of its script."""

    page: Page
    wrong: list[str] = field(default_factory=list)
    streams: int = 0
    """How many streams of events it has opened."""
    bytes: dict[str, int] = field(default_factory=dict)
    """Of each page that was checked, by its path: itself with all that it needs, uncompressed."""
    seconds: dict[str, float] = field(default_factory=dict)
    """Until it could be used."""

    @classmethod
    def of(cls, context: BrowserContext) -> "Watched":
        watched = cls(context.new_page())
        protocol = context.new_cdp_session(watched.page)
        protocol.send("Network.enable")
        protocol.send("Network.setCacheDisabled", {"cacheDisabled": True})  # all is sent, as at a first visit
        watched.page.on("console", lambda said: watched._said(said.type, said.text))
        watched.page.on("pageerror", lambda error: watched.wrong.append(str(error)))
        watched.page.on("request", lambda request: watched._asked(request.resource_type))
        return watched

    def check(self, *, themes: tuple[Theme, ...] = ("light", "dark")) -> None:
        """Nothing is wrong with the page as it stands: no error, no serious finding of axe in any theme."""
        path = self._path()
        assert self.wrong == [], path
        loaded: dict[str, Any] = self.page.evaluate(LOADED)  # before axe, which forgets what was loaded
        for theme in themes:
            self.page.emulate_media(color_scheme=theme)
            # All but colours are the same in both.
            assert grave_findings(self.page, only_colours=theme != themes[0]) == [], (path, theme)
        self.bytes[path], self.seconds[path] = loaded["bytes"], loaded["seconds"]
        assert loaded["buttons"], f"{path}: there is nothing to press"
        assert 0 < loaded["bytes"] <= MOST_BYTES, (path, loaded)
        assert loaded["seconds"] <= LONGEST_SECONDS, (path, loaded)
        assert loaded["wide"] <= 0, f"{path}: it is wider than the window"

    def _path(self) -> str:
        """Without the ids in it, which differ from run to run."""
        return re.sub(
            r"(job|file)-\w{24}", r"\1-…", urlsplit(self.page.url)._replace(scheme="", netloc="").geturl()
        )

    def _said(self, kind: str, text: str) -> None:
        if kind == "error" and ASKED_FOR_KEY not in text:
            self.wrong.append(text)

    def _asked(self, kind: str) -> None:
        self.streams += kind == "eventsource"


# What the page and all that it needs weigh without any cache; what its script fetched later is no part of it.
LOADED = """() => {
    const [page] = performance.getEntriesByType("navigation");
    const parts = performance.getEntriesByType("resource")
        .filter((one) => !["fetch", "xmlhttprequest", "other"].includes(one.initiatorType));
    return {
        bytes: [page, ...parts].reduce((sum, one) => sum + one.encodedBodySize, 0),
        seconds: page.domContentLoadedEventEnd / 1000,
        buttons: document.querySelectorAll("button, a.button, summary, a[href]").length,
        wide: document.documentElement.scrollWidth - document.documentElement.clientWidth,
    };
}"""


def grave_findings(page: Page, *, only_colours: bool = False) -> list[str]:
    """What axe finds that keeps somebody from using the page: the rule, and where."""
    options = {"resultTypes": ["violations"]} | ({"runOnly": ["color-contrast"]} if only_colours else {})
    found = Axe().run(page, options=options).response["violations"]
    return [
        f"{one['id']}: {one['help']}: {node['html'][:200]}"
        for one in found
        if one["impact"] in GRAVE
        for node in one["nodes"][:3]
    ]
