"""The page: what it computes, and the page itself in a browser, where gradio is installed beside the pins (.ci/run)."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from osediff import app
from osediff.common.errors import InputError
from osediff.common.images import write_png
from osediff.pipeline import OSEDiff

# Two images of the page are four times as large as the photograph of 32 x 24 pixels.
ENLARGED = "() => [...document.images].filter(i => i.naturalWidth === 128 && i.naturalHeight === 96).length === 2"


def test_a_gray_photograph_is_enlarged_and_restored(model: OSEDiff, tmp_path: Path) -> None:
    gray = np.random.default_rng(0).integers(0, 256, (9, 13), np.uint8)
    Image.fromarray(gray).save(tmp_path / "gray.png")
    bicubic, sr = app.restore_photograph(model, tmp_path / "gray.png", "", 3)
    assert bicubic.shape == sr.shape == (36, 52, 3)
    assert np.array_equal(sr, model(gray[..., None].repeat(3, 2), seed=3))
    (tmp_path / "text.png").write_text("text")
    with pytest.raises(InputError, match=r"text\.png: cannot be read as an image"):
        app.restore_photograph(model, tmp_path / "text.png", "", 0)


def test_without_gradio_it_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gradio", None)
    with pytest.raises(InputError, match=r"gradio is not installed: pip install .*\[app\]"):
        app.execute(argparse.Namespace())


def test_the_page_restores_a_photograph_and_loads_nothing_from_elsewhere(app_page: Page, tmp_path: Path) -> None:
    write_png(tmp_path / "photo.png", np.random.default_rng(0).integers(0, 256, (24, 32, 3), np.uint8))
    app_page.locator("input[type=file]").set_input_files(tmp_path / "photo.png")
    app_page.get_by_role("button", name="Remove Image").wait_for()
    app_page.get_by_role("button", name="Restore").click()
    app_page.wait_for_function(ENLARGED)  # bicubic and restored


@pytest.mark.parametrize(
    ("content", "message"), [(None, "Choose a photograph first."), (b"no image", "cannot be read as an image")]
)
def test_the_page_says_in_a_line_what_is_wrong(
    app_page: Page, tmp_path: Path, content: bytes | None, message: str
) -> None:
    if content is not None:
        (tmp_path / "photo.png").write_bytes(content)
        app_page.locator("input[type=file]").set_input_files(tmp_path / "photo.png")
        app_page.get_by_role("button", name="Remove Image").wait_for()
    app_page.get_by_role("button", name="Restore").click()
    expect(app_page.get_by_test_id("toast-text")).to_contain_text(message)
