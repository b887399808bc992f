"""Radar charts: geometry, what is shown of absent metrics, and equal bytes for equal tables."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image

from benchmark.data import published
from benchmark.figures import radar as figures
from benchmark.figures.radar import INNER, Axis
from osediff.common.errors import InputError
from tests.benchmark.rows import METRICS, command
from tests.helpers import ROOT

PUBLISHED = ROOT / "config/published/osediff.csv"
HEADER = "preset,test_set,method,steps,images,protocol,PSNR↑,SSIM↑,LPIPS↓,DISTS↓"
FULL = f"""{HEADER}
demo,demo-synthetic,Bicubic,0,6,osediff/1,27.50,0.7500,0.5500,
demo,demo-synthetic,OSEDiff,1,6,osediff/1,25.50,0.7000,0.2500,
demo,other,Bicubic,0,6,osediff/1,20.00,0.5000,0.9000,
"""


def write_table(folder: Path) -> Path:
    """Write Table 1 of two test sets; DISTS was not measured."""
    path = folder / "table1.csv"
    path.write_text(FULL, encoding="utf-8")
    return path


def texts(figure: Figure) -> str:
    return "\n".join(text.get_text() for text in figure.findobj(Text))


def polygons(figure: Figure) -> dict[str, list[float]]:
    """Radii of each method's polygon, closed."""
    lines = figure.axes[0].get_lines()
    return {
        str(line.get_label()): np.asarray(line.get_ydata()).tolist()
        for line in lines
        if not str(line.get_label()).startswith("_")
    }


def test_radii_run_from_the_ring_to_the_rim_and_lower_is_inverted() -> None:
    middle = INNER + (1 - INNER) / 4
    assert figures.radii(Axis("PSNR", True, ["20", "24", "21"])) == pytest.approx([INNER, 1, middle])
    assert figures.radii(Axis("LPIPS", False, ["0.5", "0.1", "0.4"])) == pytest.approx([INNER, 1, middle])
    assert figures.radii(Axis("PSNR", True, ["20", "20"])) == [1, 1]
    assert figures.radii(Axis("PSNR", True, ["20", ""])) == [0, 0]


def test_the_radar_of_one_step_methods_shows_medians_of_the_chosen_ones(tmp_path: Path) -> None:
    path = tmp_path / "published_onestep.csv"
    head = "method,test_set,metric,sources,median,low,high,reason,values\n"
    lines = [f"{name},realsr,psnr,2,{psnr},1,99,,x" for name, psnr in (("A", "20"), ("B", "24"), ("C", "99"))]
    lines += [f"{name},realsr,{metric},1,0.7,0.7,0.7,,x" for name in "AB" for metric in ("lpips", "dists")]
    path.write_text(head + "\n".join([*lines, "A,realsr,ssim,1,0.7,0.7,0.7,,x"]) + "\n")
    figure = figures.onestep_radar(path, METRICS, "realsr", "RealSR", ["A", "B"])
    assert "best 24" in texts(figure) and "worst 20" in texts(figure) and set(polygons(figure)) == {"A", "B"}
    assert "Not published for all of them: SSIM." in texts(figure)
    with pytest.raises(InputError, match="no value of D on realsr"):
        figures.onestep_radar(path, METRICS, "realsr", "RealSR", ["A", "D"])


def test_published_radar_shows_the_papers_seven_methods() -> None:
    figure = figures.published_radar(published.load([PUBLISHED], METRICS), METRICS, "drealsr", "DrealSR")
    shape = polygons(figure)
    assert set(shape) == {"StableSR", "DiffBIR", "SeeSR", "PASD", "ResShift", "SinSR", "OSEDiff"}
    # OSEDiff is the best of the seven on DrealSR in SSIM, LPIPS, DISTS, FID and CLIPIQA.
    assert [radius == 1 for radius in shape["OSEDiff"]] == [False, *[True] * 4, False, False, False, True, False]
    assert shape["OSEDiff"][0] == pytest.approx(INNER + (1 - INNER) * (27.92 - 26.71) / (28.46 - 26.71))
    assert shape["DiffBIR"][2] == INNER
    assert "PSNR ↑" in texts(figure) and "best 28.46\nworst 26.71" in texts(figure)
    assert "Published numbers, not measured here" in texts(figure)


def test_measured_radar_names_what_was_not_measured(tmp_path: Path) -> None:
    table = write_table(tmp_path)
    figure = figures.measured_radar(table, METRICS, "demo-synthetic", "demo-synthetic")
    shape = polygons(figure)
    assert shape == {"Bicubic": [1, 1, INNER, 1], "OSEDiff": [INNER, INNER, 1, INNER]}
    assert "Not measured: DISTS." in texts(figure)
    assert "Demo results, measured: 6 images, protocol osediff/1" in texts(figure)


def test_with_two_metrics_all_axes_are_drawn_and_methods_are_points(tmp_path: Path) -> None:
    table = write_table(tmp_path)
    table.write_text(FULL.replace("0.5500", "").replace("0.2500", ""), encoding="utf-8")
    figure = figures.measured_radar(table, METRICS, "demo-synthetic", "x")
    assert polygons(figure) == {"Bicubic": [1, 1], "OSEDiff": [INNER, INNER]}
    assert {
        line.get_linestyle() for line in figure.axes[0].get_lines() if not str(line.get_label()).startswith("_")
    } == {"None"}
    assert "Too few metrics for an area" in texts(figure)
    assert texts(figure).count("not measured") == 2


def test_unknown_test_set_is_named(tmp_path: Path) -> None:
    table = write_table(tmp_path)
    with pytest.raises(InputError, match="no test set nowhere; it has demo-synthetic, other"):
        figures.measured_radar(table, METRICS, "nowhere", "x")


def test_commands_write_the_same_bytes_twice(tmp_path: Path) -> None:
    table = write_table(tmp_path)
    registry = ("--registry", ROOT / "config/metrics.yaml")
    measured = ("measured", "--table", table, "--test-set", "demo-synthetic", *registry)
    printed = ("published", "--published", PUBLISHED, "--test-set", "drealsr", "--title", "DrealSR", *registry)
    for name, arguments in (("measured", measured), ("published", printed)):
        for run in ("first", "second"):
            command(figures.main, *arguments, "--out", tmp_path / run / name)
        for suffix in (".png", ".svg"):
            first, second = (tmp_path / run / f"{name}{suffix}" for run in ("first", "second"))
            assert first.read_bytes() == second.read_bytes()
        with Image.open(tmp_path / "first" / f"{name}.png") as image:
            assert image.size == (1440, 1560)
        assert b"<dc:date>" not in (tmp_path / "first" / f"{name}.svg").read_bytes()


def test_another_table_is_refused(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match=r"t\.csv line 1: the columns must begin with preset"):
        figures.measured_radar(tmp_path / "t.csv", METRICS, "x", "x")
