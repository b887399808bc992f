"""One image of a test set as LR, each method's SR and HR side by side, with an enlarged crop below each.

    python -m benchmark.figures.visual_comparison --image NAME --lr DIR --hr DIR --sr "Bicubic=DIR" --sr "OSEDiff=DIR" --out FILE.png

LR and the crops are enlarged by repeating pixels, so nothing is shown that is not in the file. Below each SR image
stand its PSNR and, where --rows LABEL=FILE.csv names an evaluation that has it, its LPIPS. The same input gives the
same bytes.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import cv2
import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from benchmark.metrics.build import psnr
from osediff.common.errors import InputError, run
from osediff.common.images import list_images, read_rgb, write_png

Box = tuple[int, int, int, int]  # left, top, width, height in HR pixels
Column = tuple[str, Image.Image, Image.Image, str]
FRAME = "#D55E00"


def named(folder: Path, stem: str) -> np.ndarray:
    """The image ``stem`` of ``folder``, uint8 (H, W, 3)."""
    images = list_images(folder)
    if stem not in images:
        raise InputError(f"{folder} has no image {stem}; it has {', '.join(list(images)[:5])}, ...")
    return read_rgb(images[stem])


def busiest(hr: np.ndarray) -> Box:
    """The quarter-size window of ``hr``, on a grid of 4 pixels, with the most edges: there methods differ visibly."""
    height, width = (max(1, side // 4) for side in hr.shape[:2])
    gray = cv2.GaussianBlur(cv2.cvtColor(hr, cv2.COLOR_RGB2GRAY).astype(np.float64), (0, 0), 1.5)
    edges = np.hypot(cv2.Sobel(gray, cv2.CV_64F, 1, 0), cv2.Sobel(gray, cv2.CV_64F, 0, 1))
    total = cv2.integral(edges)
    sums = total[height:, width:] - total[:-height, width:] - total[height:, :-width] + total[:-height, :-width]
    top, left = np.unravel_index(np.argmax(np.round(sums[::4, ::4], 3)), sums[::4, ::4].shape)
    return int(left) * 4, int(top) * 4, width, height


def enlarged(image: np.ndarray, size: tuple[int, int]) -> Image.Image:
    """``image`` at ``size`` (width, height) by repeating pixels."""
    return Image.fromarray(image).resize(size, Image.Resampling.NEAREST)


def lpips(path: Path, stem: str) -> str:
    """LPIPS of image ``stem`` in an evaluation file, or empty."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["image"] == stem and row["metric"] == "lpips"]
    return f"{float(rows[0]['value']):.4f}" if rows else ""


def compose(columns: list[Column], box: Box, title: str) -> np.ndarray:
    """The picture, uint8 (H, W, 3), of columns (heading, whole image, enlarged crop, line below)."""
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
        # A long title gets smaller letters rather than its neighbour's place.
        narrow = bold.font_variant(size=bold.size * min(1.0, width / max(1.0, bold.getlength(heading))))
        draw.text((center, y - line / 2), heading, "black", narrow, anchor="mm")
        picture.paste(whole, (left, y))
        x0, y0 = left + box[0], y + box[1]
        draw.rectangle((x0, y0, x0 + box[2] - 1, y0 + box[3] - 1), outline=FRAME, width=2)
        y += height + gap
        picture.paste(crop, (left, y))
        draw.rectangle((left, y, left + width - 1, y + crop_height - 1), outline=FRAME, width=2)
        draw.text((center, y + crop_height + (gap + line) / 2), below, "#333333", plain, anchor="mm")
    return np.asarray(picture)


def failed(path: Path) -> bool:
    """Whether an evaluation file has no value at all, since the method's images are missing."""
    with path.open(newline="", encoding="utf-8") as file:
        return not any(row["value"] for row in csv.DictReader(file))


def labeled(text: str) -> tuple[str, Path]:
    """``LABEL=PATH`` as a pair."""
    label, equals, path = text.partition("=")
    if not (label and equals and path):
        raise argparse.ArgumentTypeError(f"{text!r} is not LABEL=PATH")
    return label, Path(path)


def numbers(text: str) -> Box:
    """``x,y,w,h`` as a box."""
    try:
        left, top, width, height = (int(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not x,y,w,h in HR pixels") from None
    return left, top, width, height


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmark.figures.visual_comparison", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--image", required=True, help="name of the image, without ending")
    parser.add_argument("--lr", type=Path, required=True)
    parser.add_argument("--hr", type=Path, required=True)
    parser.add_argument("--sr", type=labeled, action="append", required=True, metavar="LABEL=DIR")
    parser.add_argument("--rows", type=labeled, action="append", default=[], metavar="LABEL=CSV")
    parser.add_argument("--box", type=numbers, metavar="X,Y,W,H", help="crop (default: where HR has most edges)")
    parser.add_argument("--title", default="", help="heading of the picture")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()

    hr, lr = named(args.hr, args.image), named(args.lr, args.image)
    height, width = hr.shape[:2]
    box = args.box or busiest(hr)
    left, top, w, h = box
    if w < 1 or h < 1 or left < 0 or top < 0 or left + w > width or top + h > height:
        raise InputError(f"--box {left},{top},{w},{h} does not lie within {args.image}, which is {width}x{height}")
    rows = dict(args.rows)

    def column(heading: str, image: np.ndarray, below: str) -> Column:
        whole = enlarged(image, (width, height))
        crop = enlarged(np.asarray(whole)[top : top + h, left : left + w], (width, max(1, round(width * h / w))))
        return heading, whole, crop, below

    columns = [column("LR", lr, "{1}×{0}".format(*lr.shape))]
    for label, folder in args.sr:
        if label in rows and failed(rows[label]):
            columns.append(column(label, np.full_like(hr, 225), "failed; see the tables"))
            continue
        sr = named(folder, args.image)
        if sr.shape != hr.shape:
            raise InputError(f"{args.image} of {folder} is {sr.shape[1]}x{sr.shape[0]}, HR is {width}x{height}")
        perceptual = lpips(rows[label], args.image) if label in rows else ""
        below = f"PSNR {psnr(sr, hr):.2f} dB" + (f" · LPIPS {perceptual}" if perceptual else "")
        columns.append(column(label, sr, below))
    columns.append(column("HR", hr, f"{width}×{height}"))
    write_png(args.out, compose(columns, box, args.title))


if __name__ == "__main__":
    run(main)
