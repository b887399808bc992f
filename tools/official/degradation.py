"""Compare our degradation with the official one: the distribution of LR images, and the speed.

    python -m tools.official.degradation --official OSEDIFF --basicsr BASICSR --photos DIR --crops 1000 --crop 256

``--official``: a checkout of cswry/OSEDiff, whose dataloaders/realesrgan.py is run as it is; ``--basicsr``: one of
XPixelGroup/BasicSR, whose kernels and noise it uses. Both degrade the same crops, each with random numbers of its
own, so what is compared is the distribution over crops of four statistics of the LR image: PSNR to the crop reduced by
area, log variance of the Laplacian (blur), noise (Immerkaer's estimate), and blockiness (steps at every eighth pixel
over steps elsewhere; JPEG). Kolmogorov and Smirnov's test must not tell them apart at 1 %, after Holm's correction.
One thread.
``--save FILE`` keeps the official code's statistics, which a test compares ours with.
"""

from __future__ import annotations

import importlib.util
import json
import random
import sys
import time
import types
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import torch
import yaml
from scipy.stats import ks_2samp
from torchvision.transforms import functional
from tqdm import tqdm

from benchmark.statistics.bootstrap import holm
from osediff.common.command_line import make_parser
from osediff.common.errors import run
from osediff.common.files import write_text
from osediff.common.images import list_images, read_rgb
from osediff.common.settings import parse
from osediff.data.degradation import degrade
from osediff.data.degradation_recipe import Degradation

SCALE, LEVEL = 4, 0.01
ROOT = Path(__file__).parents[2]


def statistics(lr: np.ndarray, hq: np.ndarray) -> list[float]:
    """PSNR (dB), log10 variance of the Laplacian, noise (levels of 255), blockiness (ratio) of an LR image."""
    reduced = cv2.resize(hq, lr.shape[1::-1], interpolation=cv2.INTER_AREA).astype(np.float64)
    error = np.mean((lr.astype(np.float64) - reduced) ** 2)
    gray = cv2.cvtColor(lr, cv2.COLOR_RGB2GRAY).astype(np.float64)
    laplacian = cv2.Laplacian(gray, cv2.CV_64F)
    mask = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float64)
    noise = np.sqrt(np.pi / 2) / 6 * np.abs(cv2.filter2D(gray, -1, mask)[1:-1, 1:-1]).mean()
    steps = np.abs(np.diff(gray, axis=1)).mean(0)
    edge = np.arange(1, gray.shape[1]) % 8 == 0
    blocks = (steps[edge].mean() + 0.1) / (steps[~edge].mean() + 0.1)
    return [10 * np.log10(255**2 / max(float(error), 1e-6)), np.log10(laplacian.var() + 1e-3), noise, blocks]


NAMES = ("PSNR (dB)", "log variance of the Laplacian", "noise (levels)", "blockiness")


def crops(photos: list[np.ndarray], number: int, side: int) -> Iterator[np.ndarray]:
    """Crops, uint8 (side, side, 3), of the photographs in turn."""
    for n in range(number):
        rng, photo = np.random.default_rng(n), photos[n % len(photos)]
        top, left = (int(rng.integers(extent - side + 1)) for extent in photo.shape[:2])
        yield np.ascontiguousarray(photo[top : top + side, left : left + side])


@cache
def recipe() -> Degradation:
    """The recipe that is compared, of config/degradations.yaml."""
    content = yaml.safe_load((ROOT / "config" / "degradations.yaml").read_text())
    return parse(content["realesrgan-second-order"], Degradation, "config/degradations.yaml")


def ours(crop: np.ndarray, n: int) -> np.ndarray:
    """Our LR image of crop ``n``."""
    return degrade(crop, recipe(), SCALE, np.random.default_rng([1, n]))


def package(name: str, folder: Path) -> None:
    """Makes ``folder`` the package ``name`` without running its __init__, which imports everything there is."""
    module = types.ModuleType(name)
    module.__path__ = [str(folder)]
    sys.modules[name] = module


def official(checkout: Path, basicsr: Path) -> Callable[[np.ndarray, int], np.ndarray]:
    """The official degradation: (crop, seed) to LR, both uint8 RGB."""
    sys.modules["torchvision.transforms.functional_tensor"] = functional  # gone since torchvision 0.17
    package("basicsr", basicsr / "basicsr")
    package("basicsr.data", basicsr / "basicsr" / "data")
    spec = importlib.util.spec_from_file_location("realesrgan", checkout / "dataloaders" / "realesrgan.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    pipeline = module.RealESRGAN_degradation("params_realesrgan.yml", device="cpu")

    def call(crop: np.ndarray, seed: int) -> np.ndarray:
        random.seed(seed)
        np.random.seed(seed)  # noqa: NPY002, the official code draws from this one
        torch.manual_seed(seed)
        _, lq = pipeline.degrade_process(crop.astype(np.float32) / 255)
        lr: np.ndarray = (lq[0].permute(1, 2, 0).numpy() * 255).round().astype(np.uint8)
        return lr

    return call


def main() -> None:
    """Read the command line and run the comparison."""
    parser = make_parser("tools.official.degradation", __doc__)
    parser.add_argument("--official", type=Path, required=True, help="checkout of cswry/OSEDiff")
    parser.add_argument("--basicsr", type=Path, required=True, help="checkout of XPixelGroup/BasicSR")
    parser.add_argument("--photos", type=Path, required=True, help="folder of photographs")
    parser.add_argument("--crops", type=int, default=1000)
    parser.add_argument("--crop", type=int, default=256, help="side in pixels")
    parser.add_argument("--save", type=Path, help="JSON file for the official code's statistics")
    args = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    photos = [read_rgb(path) for path in list_images(args.photos).values()]
    sides = {"ours": ours, "official": official(args.official, args.basicsr)}
    results: dict[str, list[list[float]]] = {side: [] for side in sides}
    taken = dict.fromkeys(sides, 0.0)
    for n, crop in enumerate(tqdm(crops(photos, args.crops, args.crop), total=args.crops, desc="crops")):
        for side, call in sides.items():
            begun = time.process_time()
            lr = call(crop, n)
            taken[side] += time.process_time() - begun
            # The official code mirrors half of them: the crop is compared as it lies.
            results[side].append(max((statistics(lr, crop), statistics(lr, np.ascontiguousarray(crop[:, ::-1])))))
    mine, theirs = (np.array(results[side]) for side in sides)
    if args.save:
        about = {"crops": args.crops, "side": args.crop, "names": NAMES}
        write_text(args.save, json.dumps(about | {"values": np.round(theirs, 3).tolist()}) + "\n")
    p = holm([float(ks_2samp(mine[:, k], theirs[:, k]).pvalue) for k in range(len(NAMES))])
    print(f"{args.crops} crops of {args.crop} pixels")
    print(f"{'statistic':32} {'ours':>18} {'official':>18}   p (KS, Holm)")
    for k, name in enumerate(NAMES):
        cells = [f"{values[:, k].mean():.3f} ± {values[:, k].std():.3f}" for values in (mine, theirs)]
        print(f"{name:32} {cells[0]:>18} {cells[1]:>18}   {p[k]:.3g}{'' if p[k] > LEVEL else '  DIFFERENT'}")
    for side, seconds in taken.items():
        print(f"{side}: {args.crops / seconds:.1f} crops per second of CPU")


if __name__ == "__main__":
    run(main)
