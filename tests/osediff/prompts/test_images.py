"""The images that are described: those of a folder as restoration sees them, or the crops of a training stream."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from torch import Tensor

from osediff.common.images import write_png
from osediff.data.pairs import VALIDATION_PAIRS, VALIDATION_SEED, TrainingPairs
from osediff.data.photo_list import scan
from osediff.prompts.images import FolderSet
from osediff.prompts.prompt_file import (
    FolderImages,
    FolderSource,
    read_prompt_file,
)
from tests.osediff.prompts.extraction import BRIEF, brightness, run_extraction


def test_images_are_read_as_they_are(tmp_path: Path) -> None:
    Image.fromarray(np.full((4, 4, 3), 51, np.uint8)).save(tmp_path / "a.png")
    (image,) = FolderSet(FolderImages(kind="folder"), tmp_path).read(["a"])
    assert image.shape == (3, 4, 4) and float(image.max()) == pytest.approx(0.2)


def test_a_folder_s_images_are_upsampled_as_in_restoration(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    sizes: list[tuple[int, ...]] = []

    def seen(image: Tensor) -> str:
        sizes.append(tuple(image.shape))
        return "seen"

    for n, side in enumerate((8, 100)):
        write_png(tmp_path / "LR" / f"{n}.png", np.full((side, side, 3), 40 * n, np.uint8))
    images = FolderImages(kind="folder", scale_factor=4, process_size=128)
    content = read_prompt_file(
        run_extraction(monkeypatch, tmp_path, images, "--images", tmp_path / "LR", describe=seen)
    )
    assert sizes == [(3, 128, 128), (3, 400, 400)] and content.prompts == {"0": "seen", "1": "seen"}
    source = content.made_by.images
    assert isinstance(source, FolderSource) and (source.scale_factor, source.process_size) == (4, 128)
    assert content.made_by.extractor == "ram" and content.seconds >= 0


def test_a_stream_s_prompts_are_those_of_its_crops(of_stream: Path, photos: Path) -> None:
    pairs = TrainingPairs(scan(photos), BRIEF, 3, 4)
    held_out = TrainingPairs(scan(photos), BRIEF, VALIDATION_SEED, VALIDATION_PAIRS)
    expected = {str(n): brightness(pairs[n][1] / 2 + 0.5) for n in range(4)}
    expected |= {f"validation-{n}": brightness(held_out[n][1] / 2 + 0.5) for n in range(VALIDATION_PAIRS)}
    assert read_prompt_file(of_stream).prompts == expected
