"""A backbone small enough to train in seconds, and photographs: what the tests of the method share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from playwright.sync_api import Page, Request, sync_playwright

from osediff import app
from osediff.common.images import write_png
from osediff.losses.objective import Objective
from osediff.models import backbone as backbones
from osediff.pipeline import OSEDiff
from tests.benchmark.report.browser import CHROMIUM, launch
from tests.osediff.tiny import TINY, edit, run_training


@pytest.fixture(scope="session")
def backbone_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny backbone with random weights, on disk."""
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("backbone") / "tiny"
    model = backbones.build(TINY, backbones.word_tokenizer(["blurring, jpeg artifacts"]))
    backbones.save(model, folder)
    return folder


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three smooth random pictures of 48x40 pixels."""
    folder = tmp_path_factory.mktemp("photos")
    for index in range(3):
        rng = np.random.default_rng(index)
        coarse = torch.from_numpy(rng.random((1, 3, 6, 5), np.float32) * 255)
        picture = torch.nn.functional.interpolate(coarse, (48, 40), mode="bicubic")[0].clamp(0, 255)
        write_png(folder / f"photo{index}.png", picture.permute(1, 2, 0).byte().numpy())
    return folder


@pytest.fixture(scope="session")
def checkpoint(photos: Path, backbone_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint after two steps: adapters that differ from their start; nobody may change it."""
    torch.set_num_threads(1)
    out = tmp_path_factory.mktemp("checkpoint")
    run_training(edit({"steps": 2}), photos, backbone_folder, 0, out)
    return out


@pytest.fixture(scope="session")
def model(checkpoint: Path, backbone_folder: Path) -> OSEDiff:
    """That checkpoint, ready to restore; nobody may change it."""
    return OSEDiff.from_pretrained(checkpoint, backbone_folder)


@pytest.fixture
def stopped_after(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Makes the next training stop, as by Ctrl-C, after so many micro-batches."""

    def stop_after(count: int) -> None:
        calls, whole = iter(range(count + 1)), Objective.generator_loss

        def stopping(self: Objective, *args: Any) -> Any:
            if next(calls) == count:
                monkeypatch.setattr(Objective, "generator_loss", whole)
                raise KeyboardInterrupt
            return whole(self, *args)

        monkeypatch.setattr(Objective, "generator_loss", stopping)

    return stop_after


@pytest.fixture(scope="module")
def app_address(model: OSEDiff) -> Iterator[str]:
    """The address of the page of ``osediff app``; skipped without gradio, or without a browser."""
    pytest.importorskip("gradio", reason="gradio is not installed; it needs an older pillow than requirements.txt has")
    if not CHROMIUM:
        pytest.skip("Chromium is not installed: apt-get install chromium")
    page = app.build_page(model)
    yield app.serve(page, "127.0.0.1", None, wait=False)
    page.close()


@pytest.fixture
def app_page(app_address: str) -> Iterator[Page]:
    """The page in Chromium; at the end, it must have asked no other host for anything."""
    elsewhere: list[str] = []

    def note(request: Request) -> None:
        if not request.url.startswith((app_address, "data:", "blob:")):
            elsewhere.append(request.url)

    with sync_playwright() as playwright, launch(playwright) as browser:
        page = browser.new_page()
        page.on("request", note)
        page.goto(app_address)
        page.get_by_role("button", name="Restore").wait_for()
        yield page
        assert elsewhere == []
