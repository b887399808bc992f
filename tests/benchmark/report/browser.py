"""A page of a report in the distribution's Chromium, which Playwright drives."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, Page, Playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next(filter(None, map(shutil.which, NAMES)), None)
FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
]


def launch(playwright: Playwright) -> Browser:
    """Start Chromium, with an empty profile."""
    return playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)


@dataclass
class Watched:
    """A page, with what it must not have: messages of the console, errors, requests that are not for files."""

    page: Page
    complaints: list[str] = field(default_factory=list)

    def open(self, index: Path, place: str = "") -> Page:
        """Open a report from disk and wait until its script has run."""
        self.page.goto("about:blank")
        self.page.goto(f"{index.as_uri()}{place}")
        self.page.locator("html[data-ready]").wait_for(state="attached")
        return self.page


@contextmanager
def watched(browser: Browser, width: int = 1280, scheme: Literal["light", "dark"] = "light") -> Iterator[Watched]:
    """Open a page that is this wide; at the end, it must have had no complaint."""
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    seen = Watched(context.new_page())
    seen.page.on("console", lambda message: seen.complaints.append(f"console: {message.text}"))
    seen.page.on("pageerror", lambda error: seen.complaints.append(f"error: {error}"))
    seen.page.on("dialog", lambda dialog: seen.complaints.append(f"dialog: {dialog.message}"))
    seen.page.on("requestfailed", lambda request: seen.complaints.append(f"failed: {request.url}"))
    seen.page.on(
        "request",
        lambda request: (
            None
            if request.url.startswith(("file:", "data:", "about:"))
            else seen.complaints.append(f"request: {request.url}")
        ),
    )
    try:
        yield seen
        assert seen.complaints == []
    finally:
        context.close()
