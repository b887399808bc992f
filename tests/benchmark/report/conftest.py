"""A small run, its report, and a browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.benchmark.report.browser import CHROMIUM, launch
from tests.benchmark.report.small_run import SmallRun


@pytest.fixture
def run(tmp_path: Path) -> SmallRun:
    """A small run that is not written yet."""
    return SmallRun(tmp_path)


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a small run."""
    return SmallRun(tmp_path_factory.mktemp("run")).write().build()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The distribution's Chromium; without it the tests are skipped."""
    if not CHROMIUM:
        pytest.skip("Chromium is not installed: apt-get install chromium")
    with sync_playwright() as playwright:
        opened = launch(playwright)
        yield opened
        opened.close()
