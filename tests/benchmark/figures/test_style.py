"""The looks of figures: the same bytes every time, whatever a user's settings are, and files that are whole."""

from __future__ import annotations

from pathlib import Path

import matplotlib
import pytest
from matplotlib.figure import Figure
from PIL import Image

from benchmark.figures import style


def draw(out: Path) -> None:
    """Write a small figure with a line, a legend and a title."""
    figure = style.new_figure(2, 1.5, 100)
    plot = figure.add_subplot()
    style.plain_axes(plot)
    plot.plot([0, 1, 2], [3, 1, 2], color=style.ACCENT, label="line")
    plot.legend()
    style.save(figure, out)


def test_the_same_bytes_whatever_the_user_has_set(tmp_path: Path) -> None:
    draw(tmp_path / "one")
    with matplotlib.rc_context({"font.size": 30, "lines.linewidth": 9, "savefig.dpi": 30, "svg.hashsalt": None}):
        draw(tmp_path / "two")
    for suffix in ("png", "svg"):
        assert (tmp_path / f"one.{suffix}").read_bytes() == (tmp_path / f"two.{suffix}").read_bytes()
    with Image.open(tmp_path / "one.png") as image:
        assert image.size == (200, 150)
    assert "<dc:date>" not in (tmp_path / "one.svg").read_text()


def test_two_spines_are_left_and_a_grid_below_the_data() -> None:
    plot = style.new_figure(2, 2, 50).add_subplot()
    style.plain_axes(plot)
    assert {side for side, spine in plot.spines.items() if spine.get_visible()} == {"left", "bottom"}
    assert plot.xaxis.get_gridlines()[0].get_color() == style.GRID


def test_a_figure_that_cannot_be_drawn_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    draw(tmp_path / "figure")
    before = (tmp_path / "figure.png").read_bytes()

    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Figure, "savefig", stop)
    with pytest.raises(KeyboardInterrupt):
        draw(tmp_path / "figure")
    assert (tmp_path / "figure.png").read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["figure.png", "figure.svg"]


def test_the_emphasized_color_belongs_to_no_other_method() -> None:
    others = {*style.COLORS, style.GRAY, style.GRID, style.RING, style.TEXT, style.SUBTITLE}
    assert style.ACCENT not in others and len(set(style.COLORS)) == len(style.COLORS)
    assert len(style.MARKERS) == len(style.STYLES) == len(style.COLORS)
