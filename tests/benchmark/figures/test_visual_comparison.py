"""The comparison picture: the pixels are those of the files, and what does not fit is refused."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmark.figures.visual_comparison import busiest
from osediff.common.images import read_rgb, write_png
from tests.helpers import ROOT


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """LR 32x32, HR and two SR images 128x128, of one image called a."""
    rng = np.random.default_rng(3)
    lr = rng.integers(0, 256, (32, 32, 3), dtype=np.uint8)
    write_png(tmp_path / "lr/a.png", lr)
    for name in ("hr", "one", "two"):
        write_png(tmp_path / name / "a.png", rng.integers(0, 256, (128, 128, 3), dtype=np.uint8))
    return tmp_path


def make(folder: Path, out: str, *more: str) -> subprocess.CompletedProcess[str]:
    named = {"--image": "a", "--lr": folder / "lr", "--hr": folder / "hr", "--out": folder / out}
    arguments = [str(part) for pair in named.items() for part in pair]
    methods = ["--sr", f"One={folder / 'one'}", "--sr", f"Two={folder / 'two'}"]
    command = [sys.executable, "-m", "benchmark.figures.visual_comparison", *arguments, *methods, *more]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def test_pixels_stand_side_by_side(folder):
    done = make(folder, "p.png", "--box", "32,64,32,32", "--title", "Demo results")
    assert done.returncode == 0, done.stderr
    picture = read_rgb(folder / "p.png")
    assert make(folder, "q.png", "--box", "32,64,32,32", "--title", "Demo results").returncode == 0
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


def test_lpips_is_taken_from_an_evaluation(folder):
    rows = folder / "rows.csv"
    rows.write_text("method,test_set,image,metric,value,protocol,note\nm,t,a,lpips,0.123456,osediff/1,\n")
    assert make(folder, "without.png").returncode == 0
    assert make(folder, "with.png", "--rows", f"One={rows}").returncode == 0
    assert (folder / "without.png").read_bytes() != (folder / "with.png").read_bytes()


@pytest.mark.parametrize(
    ("more", "named"),
    [
        (("--box", "100,0,32,32"), "--box 100,0,32,32"),
        (("--image", "b"), "no image b"),
        (("--sr", "X=nowhere"), "nowhere"),
    ],
)
def test_what_does_not_fit_is_named(folder, more, named):
    done = make(folder, "p.png", *more)
    assert done.returncode == 2
    assert done.stderr.startswith("error: ") and named in done.stderr and done.stderr.count("\n") == 1
    assert not (folder / "p.png").exists()


def test_the_crop_goes_where_the_edges_are():
    hr = np.full((128, 128, 3), 90, np.uint8)
    hr[40:60:2, 80:100] = 200
    left, top, width, height = busiest(hr)
    assert (width, height) == (32, 32)
    assert left <= 80 and left + width >= 100 and top <= 40 and top + height >= 60
