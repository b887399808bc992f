"""The comparison picture: the pixels are those of the files, and what does not fit is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmark.figures import visual_comparison
from benchmark.figures.grid import Block
from benchmark.figures.specs import PictureImage, PictureSpec
from benchmark.figures.visual_comparison import busiest
from osediff.common.errors import InputError
from osediff.common.images import read_rgb
from tests.benchmark.rows import METRICS, command, spec_of, write_rows, write_spec
from tests.helpers import ROOT


def image_of(folder: Path, **more: Any) -> dict[str, Any]:
    """The image a of the folder with both of its methods."""
    methods = [{"title": name.capitalize(), "sr": str(folder / name)} for name in ("one", "two")]
    content = {"image": "a", "test_set": "T", "lr": str(folder / "lr"), "hr": str(folder / "hr"), "scale_factor": 4}
    return content | {"metrics": ["psnr", "lpips"], "methods": methods} | more


def block_of(folder: Path, show_prompts: bool = False, **more: Any) -> Block:
    return visual_comparison.block(spec_of(image_of(folder, **more), PictureImage), METRICS, show_prompts)


def test_crops_are_the_pixels_of_the_files_and_the_box_is_where_they_are(folder: Path) -> None:
    block = block_of(folder, box=[32, 64, 48, 32])
    assert [cell.label for cell in block.cells] == ["LR", "One", "Two", "HR"]
    assert block.box == (0.25, 0.5, 0.375, 0.25)
    for name, cell in zip(("lr", "one", "two", "hr"), block.cells, strict=True):
        image = read_rgb(folder / name / "a.png")
        image = np.kron(image, np.ones((128 // len(image), 128 // len(image), 1), np.uint8))
        np.testing.assert_array_equal(cell.crop, image[64:96, 32:80])
    np.testing.assert_array_equal(block.whole, read_rgb(folder / "lr/a.png"))


def test_without_hr_images_there_is_no_hr_crop(folder: Path) -> None:
    block = block_of(folder, hr=None)
    assert [cell.label for cell in block.cells] == ["LR", "One", "Two"]
    assert block.cells[1].crop.shape == (32, 32, 3)


def test_values_are_of_the_evaluation_and_a_failed_method_is_gray(folder: Path) -> None:
    rows = folder / "rows.csv"
    methods = [{"title": "One", "sr": str(folder / "one"), "rows": str(rows)}]
    rows.write_text(
        "method,test_set,image,metric,value,protocol,note\n"
        "m,t,a,psnr,21.456,osediff/2,\nm,t,b,psnr,30,osediff/2,\nm,t,a,lpips,0.123456,osediff/2,\n"
    )
    assert block_of(folder, methods=methods).cells[1].values == "21.46 / 0.1235"
    write_rows(rows, "m", "t", {"psnr": "out of memory"})
    failed = block_of(folder, methods=methods).cells[1]
    assert failed.values == "failed; see the tables" and (failed.crop == 225).all()


def test_prompts_stand_with_the_methods_that_had_them(folder: Path) -> None:
    file = folder / "prompts.json"
    file.write_text(json.dumps({"prompts": {"a": "cat, grass"}}))
    methods = [{"title": "Null", "sr": str(folder / "one")}]
    methods += [{"title": "DAPE", "sr": str(folder / "two"), "prompts": str(file)}]
    assert block_of(folder, True, methods=methods).notes == [("Null", "no prompt"), ("DAPE", "“cat, grass”")]
    assert block_of(folder, methods=methods).notes == []


def test_the_command_writes_the_same_bytes_twice(folder: Path) -> None:
    images = [image_of(folder), image_of(folder, hr=None, box=[0, 0, 64, 48])]
    content = {"title": "Figure", "preset": "demo", "images": images, "remarks": ["DAPE: no row"]}
    spec = write_spec(folder / "spec.yaml", content, PictureSpec)
    registry = ROOT / "config/metrics.yaml"
    for out in ("p.png", "q.png"):
        command(visual_comparison.main, "--spec", spec, "--registry", registry, "--out", folder / out)
    assert (folder / "p.png").read_bytes() == (folder / "q.png").read_bytes()


@pytest.mark.parametrize(
    ("more", "named"),
    [
        ({"box": [100, 0, 32, 32]}, "box 100,0,32,32 does not lie within a, which is 128x128"),
        ({"image": "b"}, "no image b"),
        ({"methods": [{"title": "X", "sr": "nowhere"}]}, "nowhere"),
        ({"scale_factor": 2, "hr": None}, "one is 128x128, and should be 64x64"),
    ],
)
def test_what_does_not_fit_is_named(folder: Path, more: dict[str, Any], named: str) -> None:
    with pytest.raises(InputError, match=named):
        block_of(folder, **more)


def test_the_crop_goes_where_the_edges_are() -> None:
    hr = np.full((128, 128, 3), 90, np.uint8)
    hr[40:60:2, 80:100] = 200
    left, top, width, height = busiest(hr)
    assert (width, height) == (32, 32)
    assert left <= 80 and left + width >= 100 and top <= 40 and top + height >= 60
