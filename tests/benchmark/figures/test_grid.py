"""The layout of comparison pictures: rows of at most five, whole pixels, nothing outside the picture."""

from __future__ import annotations

import numpy as np
import pytest

from benchmark.figures import grid
from benchmark.figures.grid import CELL, GAP, Block, Cell, Image8, Layout


def noise(height: int, width: int, seed: int) -> Image8:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def block_of(count: int, **more: list[tuple[str, str]]) -> Block:
    cells = [Cell(noise(32, 64, index), f"Method {index}", "25.00 / 0.5" * (index > 0)) for index in range(count)]
    return Block(noise(48, 48, 99), (0.5, 0.25, 0.5, 0.25), "a of T", cells, **more)


@pytest.mark.parametrize(
    ("count", "rows", "columns"), [(2, 1, 2), (3, 2, 2), (5, 2, 3), (9, 2, 5), (10, 2, 5), (11, 3, 4), (16, 4, 4)]
)
def test_crops_stand_in_rows_of_at_most_five(count: int, rows: int, columns: int) -> None:
    assert grid.arrange(count) == (rows, columns)


def test_every_crop_is_in_the_picture_with_its_pixels_repeated() -> None:
    block = block_of(5)
    picture = grid.compose("Title", ["about"], [block, block])
    layout = Layout(block)
    found = []
    for cell in block.cells:
        large = np.asarray(grid.enlarge(cell.crop, (CELL, CELL // 2)))
        np.testing.assert_array_equal(large, np.kron(cell.crop, np.ones((4, 4, 1), np.uint8)))
        lefts = [GAP + layout.whole[0] + GAP + column * (CELL + GAP) for column in range(layout.columns)]
        places = [
            (top, left)
            for left in lefts
            for top in range(len(picture) - CELL // 2)
            if (picture[top : top + CELL // 2, left : left + CELL] == large).all()
        ]
        assert len(places) == 2, "once in each block"
        found.append(places[0])
    assert found[0][0] == found[1][0] == found[2][0] < found[3][0] == found[4][0]
    # The whole image ends where the last row of crops does.
    assert layout.whole[1] == found[3][0] - found[0][0] + CELL // 2


def test_notes_and_long_labels_make_a_block_higher() -> None:
    plain = Layout(block_of(3))
    noted = Layout(block_of(3, notes=[("DAPE", "word " * 200)]))
    assert noted.height > plain.height + 3 * grid.SIZE
    assert noted.width == plain.width


def test_lines_break_between_words_and_none_is_lost() -> None:
    used = grid.font()
    lines = grid.wrap("one two three four " + "w" * 80, used, used.getlength("one two three"))
    assert lines == ["one two three", "four", "w" * 80]
    assert grid.wrap("", used, 100) == []
