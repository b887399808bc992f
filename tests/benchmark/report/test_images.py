"""The images of a report: which are copied, under which names, and that they are made once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmark.report.agreement import place_figures
from benchmark.report.images import Placement, file_names
from benchmark.report.specs import ReportChoice
from osediff.common.errors import InputError
from osediff.common.images import write_png
from tests.benchmark.report.small_run import SmallRun


def names(folder: Path) -> set[str]:
    """The files below a folder."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_unsafe_names_become_numbers() -> None:
    assert file_names(["a-1.x_2", "a b", "猫", ".hidden", '"', "-x"]) == ["a-1.x_2", "_1", "_2", "_3", "_4", "-x"]


def test_every_image_is_beside_the_page(run: SmallRun) -> None:
    run.images = ["x", "y"]
    run.write().build()
    folders = ("LR", "HR", "bicubic", "osediff", "other")
    images = {f"images/one/{folder}/{image}.png" for folder in folders for image in run.images}
    thumbnails = {f"thumbnails/one/{image}.webp" for image in run.images}
    assert names(run.report) == {
        *("index.html", "samples/0/000003.png", "figures/agreement.png", "figures/critical_difference.png"),
        *(images | thumbnails),
    }
    shown = run.report / "images" / "one" / "osediff" / "x.png"
    assert shown.read_bytes() == (run.sr("osediff") / "x.png").read_bytes()


def test_the_most_different_images_of_chosen_methods_are_copied_and_others_removed(run: SmallRun) -> None:
    run.write().build()
    run.choice = ReportChoice(images=2, methods=("other",))
    run.write().build()
    listed = names(run.report / "images")
    assert {Path(name).parts[1] for name in listed} == {"LR", "HR", "other"}
    assert len(listed) == 6 and len(names(run.report / "thumbnails")) == 2


def test_thumbnails_are_made_once_and_again_for_another_image(tmp_path: Path) -> None:
    source, name = tmp_path / "source.png", "small.webp"
    write_png(source, np.zeros((200, 300, 3), dtype=np.uint8))
    Placement(tmp_path / "out").thumbnail(source, name)
    small = tmp_path / "out" / name
    first = small.stat()
    with Image.open(small) as image:
        assert image.size == (96, 64)
    Placement(tmp_path / "out").thumbnail(source, name)
    assert small.stat().st_ino == first.st_ino
    write_png(source, np.full((200, 300, 3), 255, dtype=np.uint8))
    Placement(tmp_path / "out").thumbnail(source, name)
    with Image.open(small) as image:
        assert np.asarray(image).min() > 250


def test_an_image_that_no_browser_shows_is_converted(tmp_path: Path) -> None:
    pixels = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    Image.fromarray(pixels).save(tmp_path / "x.tif")
    placement = Placement(tmp_path / "out")
    assert list(placement.folder(tmp_path, "images", {"x": "x", "z": "z"}, "HR")) == ["x"]
    placement.folder(tmp_path, "images", dict.fromkeys("abcde", ""), "LR")
    assert placement.missing == [
        ("HR", f"{tmp_path} has no image z"),
        ("LR", f"{tmp_path} has no image a, b, c and 2 more"),
    ]
    with Image.open(tmp_path / "out" / "images" / "x.png") as image:
        assert np.array_equal(np.asarray(image), pixels)


@pytest.mark.parametrize("name", ["radar.png", "agreement.png"])
def test_another_or_an_absent_figure_is_one_line(tmp_path: Path, name: str) -> None:
    if name == "radar.png":
        write_png(tmp_path / name, np.zeros((4, 4, 3), np.uint8))
    with pytest.raises(InputError, match=rf"{name}: needed are agreement\.png and critical_difference\.png"):
        place_figures(Placement(tmp_path / "report"), [tmp_path / name])
