"""The page: what it computes, and the page itself where gradio is installed beside the pins."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from osediff import app
from osediff.common.errors import InputError
from osediff.pipeline import OSEDiff


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


def test_the_page_has_the_photograph_and_the_comparison(model: OSEDiff) -> None:
    pytest.importorskip("gradio", reason="gradio is not installed; it needs an older pillow than requirements.txt has")
    kinds = {block["type"] for block in app.build_page(model).get_config_file()["components"]}
    assert {"image", "imageslider", "button"} <= kinds
