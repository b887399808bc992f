"""Time of PSNR, SSIM and NIQE on one core: the official script's metrics with pyiqa against ours, same pairs, one run.

    OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 python -m tools.measure.metrics_speed --sr DIR --hr DIR

$TORCH_HOME must have pyiqa's file of NIQE's parameters. Both sides read images, one pair at a time. Imports and
building the metrics are not counted, a first pair is warm-up. The recipe is test_metrics.py of cswry/OSEDiff: pyiqa
with test_y_channel and color_space ycbcr.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pyiqa
import torch

from benchmark.metrics.build import build_pair_metric
from benchmark.metrics.registry import read_registry
from osediff.common.images import pairs, read_rgb

NAMES = ("psnr", "ssim", "niqe")


def with_pyiqa() -> Callable[[Path, Path], list[float]]:
    """The way of the official script: cv2 reads, tensors in [0, 1], one metric after the other."""
    fidelity = {"test_y_channel": True, "color_space": "ycbcr"}
    models = [pyiqa.create_metric(name, device="cpu", **fidelity) for name in ("psnr", "ssim")]
    models.append(pyiqa.create_metric("niqe", device="cpu"))

    def measure(*paths: Path) -> list[float]:
        images = [cv2.cvtColor(np.asarray(cv2.imread(str(path))), cv2.COLOR_BGR2RGB) for path in paths]
        sr, hr = (torch.from_numpy(image).permute(2, 0, 1)[None].float() / 255 for image in images)
        return [float(models[0](sr, hr)), float(models[1](sr, hr)), float(models[2](sr))]

    return measure


def with_ours() -> Callable[[Path, Path], list[float]]:
    """Ours, as benchmark.evaluation.evaluate calls it."""
    selection = read_registry(Path("config/metrics.yaml")).select(NAMES)
    functions = [build_pair_metric(name, selection) for name in NAMES]

    def measure(*paths: Path) -> list[float]:
        sr, hr = map(read_rgb, paths)
        return [function(sr, hr) for function in functions]

    return measure


def main() -> None:
    """Read the command line and run the comparison."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--sr", type=Path, required=True)
    parser.add_argument("--hr", type=Path, required=True)
    args = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    matched = [(sr, hr) for _, sr, hr in pairs(args.sr, args.hr)]
    seconds: list[tuple[float, float]] = []
    values: list[np.ndarray] = []
    for measure in (with_pyiqa(), with_ours()):
        measure(*matched[0])
        wall, cpu = time.perf_counter(), time.process_time()
        values.append(np.array([measure(*pair) for pair in matched]))
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        seconds.append((wall, cpu))
    for title, (wall, cpu), measured in zip(("pyiqa", "ours"), seconds, values, strict=True):
        averages = " ".join(f"{name} {mean:.4f}" for name, mean in zip(NAMES, measured.mean(axis=0), strict=True))
        per_pair = f"{1000 * cpu / len(matched):.1f} ms of CPU per pair"
        print(f"{title:5} {wall:7.2f} s wall {cpu:7.2f} s CPU, {per_pair}; {averages}")
    print(f"ratio {seconds[0][0] / seconds[1][0]:.1f} wall, {seconds[0][1] / seconds[1][1]:.1f} CPU")
    largest = np.abs(values[0] - values[1]).max(axis=0)
    print("largest difference of an image:", *(f"{name} {gap:.1e}" for name, gap in zip(NAMES, largest, strict=True)))


if __name__ == "__main__":
    main()
