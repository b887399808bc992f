"""Show images side by side, as the paper's Figures 3, 4, 5 and 7 do: LR with a marked box; crops of LR, methods, HR.

    python -m benchmark.figures.visual_comparison --spec FILE.yaml --out FILE.png

Crops are enlarged by repeating pixels, so every pixel shown is in the file. Below each crop are values of the whole
image from the method's evaluation. A test set without HR images has no HR crop. The same input gives the same bytes.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from benchmark.evaluation import results
from benchmark.evaluation.results import Metrics
from benchmark.figures.grid import Block, Cell, Image8, compose
from benchmark.figures.specs import Box, PictureImage, PictureMethod, PictureSpec
from benchmark.tables.specs import PRESETS
from osediff.common import settings
from osediff.common.command_line import make_parser
from osediff.common.errors import InputError, run
from osediff.common.files import read_json
from osediff.common.images import list_images, read_rgb, write_png


def read_image(folder: Path, stem: str) -> Image8:
    """Read the image ``stem`` of ``folder``, uint8 (H, W, 3)."""
    images = list_images(folder)
    if stem not in images:
        raise InputError(f"{folder} has no image {stem}; it has {', '.join(list(images)[:5])}, ...")
    return read_rgb(images[stem])


def busiest(image: Image8) -> Box:
    """Find the quarter-size window of ``image`` (on a grid of 4 pixels) with the most edges, where methods differ."""
    height, width = (max(1, side // 4) for side in image.shape[:2])
    gray = cv2.GaussianBlur(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float64), (0, 0), 1.5)
    edges = np.hypot(cv2.Sobel(gray, cv2.CV_64F, 1, 0), cv2.Sobel(gray, cv2.CV_64F, 0, 1))
    total = cv2.integral(edges)
    sums = total[height:, width:] - total[:-height, width:] - total[height:, :-width] + total[:-height, :-width]
    top, left = np.unravel_index(np.argmax(np.round(sums[::4, ::4], 3)), sums[::4, ::4].shape)
    return int(left) * 4, int(top) * 4, width, height


def crop(image: Image8, box: Box) -> Image8:
    """Cut ``box`` out of ``image``."""
    left, top, width, height = box
    return image[top : top + height, left : left + width]


def sr_cell(method: PictureMethod, image: PictureImage, shape: tuple[int, ...], box: Box, metrics: Metrics) -> Cell:
    """Make the cell of one method; that of a failed method is gray. ``shape`` is that of an SR image."""
    rows = results.load([Path(method.rows)], metrics) if method.rows else None
    if rows is not None and not results.has_values(rows):
        return Cell(np.full((box[3], box[2], 3), 225, np.uint8), method.title, "failed; see the tables")
    folder = Path(method.sr)
    sr = read_image(folder, image.image)
    if sr.shape != shape:
        size = f"{sr.shape[1]}x{sr.shape[0]}, and should be {shape[1]}x{shape[0]}"
        raise InputError(f"{image.image} of {folder} is {size}; restore it again")
    measured = {} if rows is None else {name: results.values(rows, name).get(image.image) for name in image.metrics}
    shown = (metrics[name].printed(value) for name, value in measured.items() if value is not None)
    return Cell(crop(sr, box), method.title, " / ".join(shown))


def block(image: PictureImage, metrics: Metrics, show_prompts: bool) -> Block:
    """Make the block of one image; InputError if images are missing or do not fit."""
    lr = read_image(Path(image.lr), image.image)
    hr = read_image(Path(image.hr), image.image) if image.hr else None
    size = (lr.shape[1] * image.scale_factor, lr.shape[0] * image.scale_factor)
    height, width = hr.shape[:2] if hr is not None else size[::-1]
    upsampled = np.asarray(Image.fromarray(lr).resize((width, height), Image.Resampling.NEAREST))
    box = image.box or busiest(upsampled if hr is None else hr)
    left, top, w, h = box
    if left + w > width or top + h > height:
        raise InputError(f"box {left},{top},{w},{h} does not lie within {image.image}, which is {width}x{height}")
    cells = [Cell(crop(upsampled, box), "LR")]
    cells += [sr_cell(method, image, (height, width, 3), box, metrics) for method in image.methods]
    cells += [Cell(crop(hr, box), "HR")] if hr is not None else []
    label = f"{image.image} of {image.test_set}, LR {lr.shape[1]}×{lr.shape[0]}"
    notes = [(method.title, prompt(method, image.image)) for method in image.methods] if show_prompts else []
    return Block(lr, (left / width, top / height, w / width, h / height), label, cells, notes)


def prompt(method: PictureMethod, stem: str) -> str:
    """Return the prompt with which a method restored an image."""
    text = read_json(Path(method.prompts))["prompts"][stem] if method.prompts else ""
    return f"“{text}”" if text else "no prompt"


def draw(spec: PictureSpec, metrics: Metrics) -> Image8:
    """Draw the picture of ``spec``, uint8 (H, W, 3)."""
    blocks = [block(image, metrics, spec.show_prompts) for image in spec.images]
    about = [PRESETS[spec.preset]]
    keys = dict.fromkeys(
        " / ".join(metrics[name].heading for name in image.metrics)
        for image, made in zip(spec.images, blocks, strict=True)
        if any(cell.values for cell in made.cells)
    )
    about += [f"Below a crop: {' or '.join(keys)} of the whole image."] if keys else []
    return compose(spec.title, [*about, *spec.remarks], blocks)


def main() -> None:
    """Run the command line."""
    parser = make_parser("benchmark.figures.visual_comparison", __doc__)
    parser.add_argument("--spec", type=Path, required=True, help="YAML: PictureSpec of benchmark.figures.specs")
    parser.add_argument("--registry", type=Path, default=Path("config/metrics.yaml"))
    parser.add_argument("--out", type=Path, required=True, help="PNG file to write")
    args = parser.parse_args()
    write_png(args.out, draw(settings.read(args.spec, PictureSpec), results.read_metrics(args.registry)))


if __name__ == "__main__":
    run(main)
