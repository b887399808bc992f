"""The layout of a comparison picture, as the paper's Figures 3, 4, 5 and 7 have it.

A block shows one image: at its left the whole LR image with a marked box, at its right crops in rows of at most five,
with their labels. Blocks stand below each other. At the width of a page, a label is about 6 points high.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import matplotlib
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from benchmark.figures.style import ACCENT, SUBTITLE

Image8 = NDArray[np.uint8]
Font = ImageFont.FreeTypeFont
CELL = 256  # width of a crop in pixels
GAP, SIZE, FRAME = 12, 28, 5  # between panels; of the font; thickness of the marked box
MOST = 5  # crops in a row


@dataclass(frozen=True)
class Cell:
    """A crop, uint8 (H, W, 3), its label, and the values below it."""

    crop: Image8
    label: str
    values: str = ""


@dataclass(frozen=True)
class Block:
    """One image: LR as uint8 (H, W, 3), the box as parts of its sides (left, top, width, height), its cells."""

    whole: Image8
    box: tuple[float, float, float, float]
    label: str
    cells: list[Cell]
    notes: list[tuple[str, str]] = field(default_factory=list)
    """Paragraphs below the crops: a heading and a text."""


def font(bold: bool = False, size: float = SIZE) -> Font:
    """Load the font of figures."""
    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return ImageFont.truetype(str(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / name), size)


def arrange(count: int) -> tuple[int, int]:
    """Return rows and columns for ``count`` crops: two rows beside the whole image, more if a row would be too long."""
    rows = 1 if count <= 2 else max(2, -(-count // MOST))
    return rows, -(-count // rows)


def enlarge(pixels: Image8, size: tuple[int, int]) -> Image.Image:
    """Resize ``pixels`` to ``size`` (width, height): pixels are repeated, or averaged where ``size`` is smaller."""
    image = Image.fromarray(pixels)
    return image.resize(size, Image.Resampling.NEAREST if size[0] >= image.width else Image.Resampling.BOX)


def wrap(text: str, used: Font, width: float) -> list[str]:
    """Break ``text`` between words into lines of at most ``width`` pixels; a longer word is a line of its own."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and used.getlength(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def one_line(text: str) -> str:
    """Return ``text`` without line breaks, which Pillow cannot place."""
    return " ".join(text.split())


class Canvas:
    """A white picture on which text and panels are placed."""

    def __init__(self, width: int, height: int) -> None:
        self.image = Image.new("RGB", (width, height), "white")
        self.draw = ImageDraw.Draw(self.image)

    def center(self, lines: list[str], x: float, y: float, used: Font, width: float, color: str = "black") -> None:
        """Write ``lines`` below each other around ``x``; a line that is too long gets a smaller font."""
        for index, line in enumerate(map(one_line, lines)):
            fitting = used.font_variant(size=used.size * min(1.0, width / max(1.0, used.getlength(line))))
            self.draw.text((x, y + (index + 0.5) * line_height(used)), line, color, fitting, anchor="mm")

    def left(self, lines: list[str], x: float, y: float, used: Font, color: str = "black") -> None:
        """Write ``lines`` below each other from ``x``."""
        for index, line in enumerate(map(one_line, lines)):
            self.draw.text((x, y + (index + 0.5) * line_height(used)), line, color, used, anchor="lm")


def line_height(used: Font) -> int:
    """Return the height of a line of text in pixels."""
    return round(used.size * 1.25)


class Layout:
    """Sizes of a block's parts in pixels."""

    def __init__(self, block: Block) -> None:
        self.block, self.label, self.small = block, font(bold=True, size=SIZE * 0.9), font(size=SIZE * 0.85)
        height, width = block.cells[0].crop.shape[:2]
        self.crop = (CELL, max(1, round(CELL * height / width)))
        self.lines = [wrap(cell.label, self.label, CELL) for cell in block.cells]
        rows, self.columns = arrange(len(block.cells))
        texts = [self.text_height(range(row * self.columns, (row + 1) * self.columns)) for row in range(rows)]
        self.tops = [sum(texts[:row]) + row * (self.crop[1] + GAP) for row in range(rows)]
        tall = self.tops[-1] + self.crop[1]  # the whole image ends where the last crops do
        scale = min(tall / block.whole.shape[0], 2.5 * CELL / block.whole.shape[1])
        self.whole = (round(block.whole.shape[1] * scale), round(block.whole.shape[0] * scale))
        self.width = self.whole[0] + self.columns * (CELL + GAP)
        self.caption = wrap(block.label, self.small, self.whole[0])
        self.notes = [(head, wrap(text, self.small, self.width)) for head, text in block.notes]
        self.grid = max(tall + texts[-1], self.whole[1] + len(self.caption) * line_height(self.small)) + GAP
        notes = (line_height(self.label) + len(lines) * line_height(self.small) for _, lines in self.notes)
        self.height = self.grid + sum(notes)

    def text_height(self, indices: range) -> int:
        """Return the height of the text below the crops of one row."""
        cells = [(self.block.cells[index], self.lines[index]) for index in indices if index < len(self.lines)]
        heights = (
            len(lines) * line_height(self.label) + bool(cell.values) * line_height(self.small) for cell, lines in cells
        )
        return max(heights)

    def paste(self, canvas: Canvas, x: int, y: int) -> None:
        """Place the block with its left upper corner at ``x``, ``y``."""
        canvas.image.paste(enlarge(self.block.whole, self.whole), (x, y))
        left, top, width, height = self.block.box
        corner = (x + left * self.whole[0], y + top * self.whole[1])
        opposite = (corner[0] + width * self.whole[0] - 1, corner[1] + height * self.whole[1] - 1)
        canvas.draw.rectangle((*corner, *opposite), outline=ACCENT, width=FRAME)
        canvas.center(self.caption, x + self.whole[0] / 2, y + self.whole[1] + 2, self.small, self.whole[0])
        for index, (cell, lines) in enumerate(zip(self.block.cells, self.lines, strict=True)):
            row, column = divmod(index, self.columns)
            place = (x + self.whole[0] + GAP + column * (CELL + GAP), y + self.tops[row])
            canvas.image.paste(enlarge(cell.crop, self.crop), place)
            center, below = place[0] + CELL / 2, place[1] + self.crop[1] + 2
            canvas.center(lines, center, below, self.label, CELL)
            below += len(lines) * line_height(self.label)
            canvas.center([cell.values] if cell.values else [], center, below, self.small, CELL, SUBTITLE)
        y += self.grid
        for head, lines in self.notes:
            canvas.left([head], x, y, self.label)
            canvas.left(lines, x, y + line_height(self.label), self.small)
            y += line_height(self.label) + len(lines) * line_height(self.small)


def compose(title: str, about: list[str], blocks: list[Block]) -> Image8:
    """Draw a picture, uint8 (H, W, 3): the title, ``about`` below it, and the blocks below each other."""
    layouts = [Layout(block) for block in blocks]
    inner = max(layout.width for layout in layouts)
    heading, small = font(bold=True, size=SIZE * 1.15), font(size=SIZE * 0.85)
    lines = [line for text in about for line in wrap(text, small, inner)]
    top = GAP + line_height(heading) + len(lines) * line_height(small) + GAP
    canvas = Canvas(inner + 2 * GAP, top + sum(layout.height + 2 * GAP for layout in layouts))
    canvas.center([title], inner / 2 + GAP, GAP, heading, inner)
    canvas.center(lines, inner / 2 + GAP, GAP + line_height(heading), small, inner, SUBTITLE)
    for layout in layouts:
        layout.paste(canvas, GAP, top)
        top += layout.height + 2 * GAP
    return np.asarray(canvas.image)
