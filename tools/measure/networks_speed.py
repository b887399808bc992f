"""Time of the learned metrics over several methods: pyiqa one by one against ours, same images, one run, one core.

    OMP_NUM_THREADS=1 python -m tools.measure.networks_speed --hr DIR --sr DIR [DIR ...] [--metrics NAME ...]
        [--images N] [--out FILE.json]

Each folder of ``--sr`` is a method. Both sides measure every image of every method and take turns. Reading is counted,
building the networks is not. pyiqa's own code runs on both sides; ours keeps the features of HR images in a temporary
folder, which is empty at first. A network whose weights are not here has random ones, the same on both sides.
"""

from __future__ import annotations

import argparse
import copy
import json
import os
import platform
import subprocess
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import numpy as np
import torch

from benchmark.metrics import learned
from benchmark.metrics.build import as_pair_metric, unavailable_reason
from benchmark.metrics.feature_store import FeatureStore
from benchmark.metrics.registry import Measure, Selection, read_registry
from benchmark.metrics.weights import usable_weights
from osediff.common import pyiqa_networks
from osediff.common.images import pairs, read_rgb

NAMES = ("lpips", "dists", "musiq", "clipiqa", "maniqa")
Function = Callable[[np.ndarray, np.ndarray], float]


def build_network(name: str, selection: Selection) -> tuple[Any, bool]:
    """Build pyiqa's network with its weights, or with random ones; return also whether they are real."""
    from pyiqa.archs import clip_model

    metric = selection.metrics[name]
    options: dict[str, Any] = dict(metric.options)
    if not unavailable_reason(name, selection):
        return pyiqa_networks.create(str(metric.name), usable_weights(name, selection), **options), True
    torch.manual_seed(0)
    random_clip = clip_model.CLIP(1024, 224, (3, 4, 6, 3), 64, None, 77, 49408, 512, 8, 12).eval()
    with (
        patch.object(pyiqa_networks, "fill", lambda *_: None),
        patch.object(clip_model, "load", lambda *_: random_clip),
    ):
        return pyiqa_networks.create(str(metric.name), [Path("random")], **options), False


def with_pyiqa(network: Any) -> Function:
    """The way of the official script: tensors in [0, 1], one metric after the other."""

    def measure(sr: np.ndarray, hr: np.ndarray) -> float:
        tensors = [torch.from_numpy(image).permute(2, 0, 1)[None].float() / 255 for image in (sr, hr)]
        return float(network(*tensors))

    return measure


def with_ours(name: str, metric: Measure, network: Any, store: FeatureStore) -> Function:
    """Ours, as benchmark.evaluation calls it, with a copy of the network."""
    with patch.object(learned, "create", lambda *_, **__: copy.deepcopy(network)):
        return as_pair_metric(learned.build_learned(metric, [], "cpu", name, store))


def describe_machine() -> dict[str, str | int]:
    """Machine, versions and commit of a measurement."""
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    return {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, one used",
        "torch": torch.__version__,
        "commit": commit.stdout.strip(),
    }


def main() -> None:
    """Read the command line and run the comparison."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hr", type=Path, required=True)
    parser.add_argument("--sr", type=Path, nargs="+", required=True)
    parser.add_argument("--metrics", nargs="+", choices=NAMES, default=NAMES)
    parser.add_argument("--images", type=int, help="of each folder (default: all)")
    parser.add_argument("--out", type=Path, help="JSON file to write")
    args = parser.parse_args()
    torch.set_num_threads(1)
    selection = read_registry(Path("config/metrics.yaml")).select(args.metrics)
    seconds: dict[tuple[str, str], float] = defaultdict(float)
    differences: dict[str, float] = defaultdict(float)
    report: dict[str, Any] = {"machine": describe_machine(), "methods": len(args.sr), "metrics": {}}
    with TemporaryDirectory() as folder:
        store = FeatureStore(Path(folder), int(100e9))
        for name in args.metrics:
            network, real = build_network(name, selection)
            sides = {"pyiqa": with_pyiqa(network), "ours": with_ours(name, selection.metrics[name], network, store)}
            count = 0
            for method in args.sr:
                for _, *paths in pairs(method, args.hr)[: args.images]:
                    values = {}
                    for side, measure in sides.items():
                        started = time.process_time()
                        values[side] = measure(*map(read_rgb, paths))
                        seconds[name, side] += time.process_time() - started
                    differences[name] = max(differences[name], abs(values["pyiqa"] - values["ours"]))
                    count += 1
            kept = sum(path.stat().st_size for path in Path(folder).iterdir()) / 1e6
            of = {side: seconds[name, side] / count for side in sides}
            report["metrics"][name] = {
                "images": count,
                "weights": "real" if real else "random",
                **{f"{side}_seconds": round(value, 3) for side, value in of.items()},
                "ratio": round(of["ours"] / of["pyiqa"], 3),
                "largest_difference": differences[name],
                "kept_megabytes": round(kept),
            }
            print(name, json.dumps(report["metrics"][name]), flush=True)
    total = {side: sum(seconds[name, side] for name in args.metrics) for side in ("pyiqa", "ours")}
    ours, theirs = total["ours"], total["pyiqa"]
    print(f"all, seconds of CPU: pyiqa {theirs:.1f}, ours {ours:.1f}, ratio {ours / theirs:.3f}")
    if args.out:
        args.out.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
