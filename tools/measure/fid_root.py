"""FID from Inception-like features: clean-fid's matrix root against ours, the same features, one run.

    OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 python -m tools.measure.fid_root [--images 93 1000]

Features are random, as correlated and never negative as those of a network with 2048 outputs. clean-fid gets their
means and covariances, which are not timed; ours gets the features.
"""

import argparse
import time

import numpy as np
from cleanfid.fid import frechet_distance, kernel_distance

from benchmark.metrics.fid_kid import fid, kid

DIMENSIONS = 2048


def features(rng: np.random.Generator, mixing: np.ndarray, images: int, shift: float) -> np.ndarray:
    """Features (images, 2048) of one set."""
    positive: np.ndarray = np.maximum(rng.normal(shift, 1, (images, len(mixing))) @ mixing, 0)
    return positive


def main() -> None:
    """Read the command line and run the comparison."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--images", type=int, nargs="+", default=[93])
    args = parser.parse_args()
    rng = np.random.default_rng(0)
    mixing = rng.normal(size=(256, DIMENSIONS)) / 16
    for images in args.images:
        sr, hr = features(rng, mixing, images, 0.1), features(rng, mixing, images, 0)
        start = time.perf_counter()
        ours = fid(sr, hr)
        seconds = time.perf_counter() - start
        moments = [moment for side in (sr, hr) for moment in (side.mean(axis=0), np.cov(side, rowvar=False))]
        start = time.perf_counter()
        theirs = float(frechet_distance(*moments))
        print(f"{images} images: ours {ours:.6f} in {seconds:.4f} s,", end=" ")
        print(
            f"clean-fid {theirs:.6f} in {time.perf_counter() - start:.1f} s, difference {ours - theirs:.1e};", end=" "
        )
        print(f"KID differs by {kid(sr, hr) - kernel_distance(sr, hr, num_subsets=1):.1e}", flush=True)


if __name__ == "__main__":
    main()
