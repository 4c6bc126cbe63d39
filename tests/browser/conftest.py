"""A headless Chromium of this machine, and pages in it that may not complain."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

#: What Chromium is called on the systems that have one.
NAMES = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The browser, once for all tests; without one they are skipped."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.skip("no Chromium on PATH; Debian and Ubuntu: apt install chromium")
    with sync_playwright() as playwright:
        # Root may not have Chromium's sandbox, and the pages are ours.
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def opened(chromium):
    """``with opened(url, width=, scheme=) as page``: in the end nothing was complained of, and no other host asked."""

    @contextmanager
    def open_page(url: str, *, width: int = 1280, scheme: str = "light", hosts: Iterable[str] = ()) -> Iterator[Page]:
        context = chromium.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        page = context.new_page()
        complaints: list[str] = []
        page.on("console", lambda told: complaints.append(told.text) if told.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("requestfailed", lambda request: complaints.append(f"{request.url}: {request.failure}"))
        asked: set[str | None] = set()
        page.on("request", lambda request: asked.add(urlsplit(request.url).hostname))
        page.goto(url)
        try:
            yield page
            # Before the page goes, whose last question is then cut short.
            heard = list(complaints)
        finally:
            # A page that is left open goes on asking.
            context.close()
        assert asked <= {urlsplit(url).hostname, None, *hosts}
        assert heard == []

    return open_page
