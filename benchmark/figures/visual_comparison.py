"""Show one image of a test set side by side, as LR, as SR of each method, and as HR, with a magnified crop below each.

    python -m benchmark.figures.visual_comparison --spec FILE.yaml --out FILE.png

LR and the crops are upsampled by repeating pixels, so every pixel shown is in the file. Below each SR image is its
PSNR, and its LPIPS if its evaluation has it. The same input gives the same bytes.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import matplotlib
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from benchmark.evaluation import results
from benchmark.evaluation.results import Metrics
from benchmark.figures.style import ACCENT
from benchmark.metrics.psnr_ssim import psnr
from benchmark.tables.specs import PictureMethod, PictureSpec
from osediff.common import settings
from osediff.common.command_line import make_parser
from osediff.common.errors import InputError, run
from osediff.common.images import list_images, read_rgb, write_png

Image8 = NDArray[np.uint8]
Box = tuple[int, int, int, int]  # left, top, width, height in HR pixels
Column = tuple[str, Image.Image, Image.Image, str]


def read_image(folder: Path, stem: str) -> Image8:
    """Read the image ``stem`` of ``folder``, uint8 (H, W, 3)."""
    images = list_images(folder)
    if stem not in images:
        raise InputError(f"{folder} has no image {stem}; it has {', '.join(list(images)[:5])}, ...")
    return read_rgb(images[stem])


def busiest(hr: Image8) -> Box:
    """Find the quarter-size window of ``hr`` (on a grid of 4 pixels) with the most edges, where methods differ."""
    height, width = (max(1, side // 4) for side in hr.shape[:2])
    gray = cv2.GaussianBlur(cv2.cvtColor(hr, cv2.COLOR_RGB2GRAY).astype(np.float64), (0, 0), 1.5)
    edges = np.hypot(cv2.Sobel(gray, cv2.CV_64F, 1, 0), cv2.Sobel(gray, cv2.CV_64F, 0, 1))
    total = cv2.integral(edges)
    sums = total[height:, width:] - total[:-height, width:] - total[height:, :-width] + total[:-height, :-width]
    top, left = np.unravel_index(np.argmax(np.round(sums[::4, ::4], 3)), sums[::4, ::4].shape)
    return int(left) * 4, int(top) * 4, width, height


def upsample_nearest(image: Image8, size: tuple[int, int]) -> Image.Image:
    """Upsample ``image`` to ``size`` (width, height) by repeating pixels."""
    return Image.fromarray(image).resize(size, Image.Resampling.NEAREST)


def fit_font(font: ImageFont.FreeTypeFont, text: str, width: int) -> ImageFont.FreeTypeFont:
    """Return ``font``, made smaller if ``text`` would otherwise be wider than ``width``."""
    return font.font_variant(size=font.size * min(1.0, width / max(1.0, font.getlength(text))))


def compose(columns: list[Column], box: Box, title: str) -> Image8:
    """Join columns to a picture, uint8 (H, W, 3): each is (heading, whole image, magnified crop, line below)."""
    width, height = columns[0][1].size
    crop_height = columns[0][2].size[1]
    unit = max(1.0, width / 320)  # larger panels are shown reduced, their text must stay legible
    gap, line = round(10 * unit), round(26 * unit)
    fonts = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    bold = ImageFont.truetype(str(fonts / "DejaVuSans-Bold.ttf"), round(17 * unit))
    plain = ImageFont.truetype(str(fonts / "DejaVuSans.ttf"), round(15 * unit))
    top = gap + (line + gap if title else 0)
    size = (len(columns) * (width + gap) + gap, top + line + height + gap + crop_height + gap // 2 + line)
    picture = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(picture)
    draw.text((size[0] / 2, gap + line / 2), title, "black", bold, anchor="mm")
    for index, (heading, whole, crop, below) in enumerate(columns):
        left = gap + index * (width + gap)
        center, y = left + width / 2, top + line
        draw.text((center, y - line / 2), heading, "black", fit_font(bold, heading, width), anchor="mm")
        picture.paste(whole, (left, y))
        x0, y0 = left + box[0], y + box[1]
        draw.rectangle((x0, y0, x0 + box[2] - 1, y0 + box[3] - 1), outline=ACCENT, width=2)
        y += height + gap
        picture.paste(crop, (left, y))
        draw.rectangle((left, y, left + width - 1, y + crop_height - 1), outline=ACCENT, width=2)
        lower = y + crop_height + (gap + line) / 2
        draw.text((center, lower), below, "#333333", fit_font(plain, below, width), anchor="mm")
    return np.asarray(picture)


def sr_column(method: PictureMethod, spec: PictureSpec, hr: Image8, box: Box, metrics: Metrics) -> Column:
    """Make the column of one method; the column of a failed method is a gray panel."""
    rows = results.load([Path(method.rows)], metrics) if method.rows else None
    if rows is not None and not results.has_values(rows):
        return column(method.title, np.full_like(hr, 225), "failed; see the tables", hr.shape, box)
    folder = Path(method.sr)
    sr = read_image(folder, spec.image)
    if sr.shape != hr.shape:
        wanted = f"HR is {hr.shape[1]}x{hr.shape[0]}"
        raise InputError(f"{spec.image} of {folder} is {sr.shape[1]}x{sr.shape[0]}, {wanted}")
    below = f"PSNR {psnr(sr, hr):.2f} dB"
    if rows is not None:
        perceptual = results.values(rows, "lpips").get(spec.image)
        below += f" · LPIPS {perceptual:.4f}" if perceptual is not None else ""
    return column(method.title, sr, below, hr.shape, box)


def column(heading: str, image: Image8, below: str, shape: tuple[int, ...], box: Box) -> Column:
    """Upsample ``image`` to the size of HR, whose ``shape`` is (H, W, 3), and its part in ``box`` to that width."""
    height, width = shape[:2]
    left, top, w, h = box
    whole = upsample_nearest(image, (width, height))
    crop = upsample_nearest(np.asarray(whole)[top : top + h, left : left + w], (width, max(1, round(width * h / w))))
    return heading, whole, crop, below


def draw(spec: PictureSpec, metrics: Metrics) -> Image8:
    """Draw the picture of ``spec``, uint8 (H, W, 3); InputError if images are missing or do not fit."""
    hr, lr = read_image(Path(spec.hr), spec.image), read_image(Path(spec.lr), spec.image)
    height, width = hr.shape[:2]
    box = spec.box or busiest(hr)
    left, top, w, h = box
    if left + w > width or top + h > height:
        raise InputError(f"box {left},{top},{w},{h} does not lie within {spec.image}, which is {width}x{height}")
    columns = [column("LR", lr, f"{lr.shape[1]}×{lr.shape[0]}", hr.shape, box)]
    columns += [sr_column(method, spec, hr, box, metrics) for method in spec.methods]
    columns.append(column("HR", hr, f"{width}×{height}", hr.shape, box))
    return compose(columns, box, spec.title)


def main() -> None:
    """Run the command line."""
    parser = make_parser("benchmark.figures.visual_comparison", __doc__)
    parser.add_argument("--spec", type=Path, required=True, help="YAML: PictureSpec of benchmark.tables.specs")
    parser.add_argument("--registry", type=Path, default=Path("config/metrics.yaml"))
    parser.add_argument("--out", type=Path, required=True, help="PNG file to write")
    args = parser.parse_args()
    write_png(args.out, draw(settings.read(args.spec, PictureSpec), results.read_metrics(args.registry)))


if __name__ == "__main__":
    run(main)
