"""The comparison picture: the pixels are those of the files, and what does not fit is refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmark.figures import visual_comparison
from benchmark.figures.visual_comparison import busiest
from benchmark.tables.specs import PictureSpec
from osediff.common.errors import InputError
from osediff.common.images import read_rgb
from tests.benchmark.rows import command, write_spec
from tests.helpers import ROOT


def make(folder: Path, out: str, **more: Any) -> None:
    methods = [{"title": name.capitalize(), "sr": str(folder / name)} for name in ("one", "two")]
    content = {"image": "a", "lr": str(folder / "lr"), "hr": str(folder / "hr"), "methods": methods} | more
    spec = write_spec(folder / "spec.yaml", content, PictureSpec)
    registry = ROOT / "config/metrics.yaml"
    command(visual_comparison.main, "--spec", spec, "--registry", registry, "--out", folder / out)


def test_pixels_stand_side_by_side(folder: Path) -> None:
    for out in ("p.png", "q.png"):
        make(folder, out, box=[32, 64, 32, 32], title="Demo results")
    picture = read_rgb(folder / "p.png")
    assert (folder / "p.png").read_bytes() == (folder / "q.png").read_bytes()
    top = 10 + 26 + 10 + 26  # margin, title, gap, headings
    for index, name in enumerate(("lr", "one", "two", "hr")):
        image = read_rgb(folder / name / "a.png")
        image = np.kron(image, np.ones((128 // len(image), 128 // len(image), 1), np.uint8))
        left = 10 + index * 138
        assert (picture[top : top + 60, left : left + 128] == image[:60]).all()
        crop = np.kron(image[64:96, 32:64], np.ones((4, 4, 1), np.uint8))
        below = picture[top + 138 :, left : left + 128]
        assert (below[2:126, 2:126] == crop[2:126, 2:126]).all()  # within the frame


def test_lpips_is_taken_from_an_evaluation_and_a_failed_method_is_gray(folder: Path) -> None:
    methods = [{"title": "One", "sr": str(folder / "one"), "rows": str(folder / "rows.csv")}]
    make(folder, "without.png", methods=[{"title": "One", "sr": str(folder / "one")}])
    head = "method,test_set,image,metric,value,protocol,note\n"
    (folder / "rows.csv").write_text(head + "m,t,a,lpips,0.123456,osediff/1,\n")
    make(folder, "with.png", methods=methods)
    assert (folder / "without.png").read_bytes() != (folder / "with.png").read_bytes()
    (folder / "rows.csv").write_text(head + "m,t,,lpips,,osediff/1,out of memory\n")
    make(folder, "failed.png", methods=methods)
    left, top = 10 + 138, 10 + 26  # the second column, below its heading
    assert (read_rgb(folder / "failed.png")[top : top + 8, left : left + 60] == 225).all()


@pytest.mark.parametrize(
    ("more", "named"),
    [
        ({"box": [100, 0, 32, 32]}, "box 100,0,32,32 does not lie within a"),
        ({"image": "b"}, "no image b"),
        ({"methods": [{"title": "X", "sr": "nowhere"}]}, "nowhere"),
    ],
)
def test_what_does_not_fit_is_named(folder: Path, more: dict[str, Any], named: str) -> None:
    with pytest.raises(InputError, match=named):
        make(folder, "p.png", **more)
    assert not (folder / "p.png").exists()


def test_the_crop_goes_where_the_edges_are() -> None:
    hr = np.full((128, 128, 3), 90, np.uint8)
    hr[40:60:2, 80:100] = 200
    left, top, width, height = busiest(hr)
    assert (width, height) == (32, 32)
    assert left <= 80 and left + width >= 100 and top <= 40 and top + height >= 60
