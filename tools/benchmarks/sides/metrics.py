"""Metrics of a pair of images in a process of its own, by pyiqa one after the other, or as this suite measures them.

    python -m tools.benchmarks.sides.metrics --library pyiqa|ours --metrics NAME ...

A network whose weights are not here gets random ones, which are the same on both sides. Ours keeps the features of HR
images in a temporary folder, which is empty at first. One thread.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import cv2
import numpy as np
import torch

from benchmark.metrics import learned
from benchmark.metrics.build import as_pair_metric, build_pair_metric, unavailable_reason
from benchmark.metrics.feature_store import FeatureStore
from benchmark.metrics.registry import Selection, read_registry
from benchmark.metrics.weights import usable_weights
from osediff.common import pyiqa_networks
from osediff.common.images import read_rgb
from osediff.common.memory import keep_freed_memory
from tools.official.sides.serving import serve

Function = Callable[[np.ndarray, np.ndarray], float]
ROOM = int(100e9)  # bytes for features of HR images
FIDELITY = {"test_y_channel": True, "color_space": "ycbcr"}  # as in test_metrics.py of cswry/OSEDiff


def build_network(name: str, selection: Selection) -> Any:
    """Build pyiqa's network with its weights, or with random ones."""
    from pyiqa.archs import clip_model

    metric = selection.metrics[name]
    options: dict[str, Any] = dict(metric.options)
    if not unavailable_reason(name, selection):
        return pyiqa_networks.create(str(metric.name), usable_weights(name, selection), **options)
    torch.manual_seed(0)
    random_clip = clip_model.CLIP(1024, 224, (3, 4, 6, 3), 64, None, 77, 49408, 512, 8, 12).eval()
    with (
        patch.object(pyiqa_networks, "fill", lambda *_: None),
        patch.object(clip_model, "load", lambda *_: random_clip),
    ):
        return pyiqa_networks.create(str(metric.name), [Path("random")], **options)


def with_pyiqa(name: str, selection: Selection) -> Function:
    """Return the way of the official script: tensors in [0, 1], one metric after the other."""
    if name in ("psnr", "ssim", "niqe"):
        import pyiqa

        network = pyiqa.create_metric(name, device="cpu", **({} if name == "niqe" else FIDELITY))
    else:
        network = build_network(name, selection)
    images = 2 if selection.metrics[name].needs_reference else 1

    def measure(sr: np.ndarray, hr: np.ndarray) -> float:
        tensors = [torch.from_numpy(image).permute(2, 0, 1)[None].float() / 255 for image in (sr, hr)]
        return float(network(*tensors[:images]))

    return measure


def with_ours(name: str, selection: Selection, store: FeatureStore) -> Function:
    """Return ours, as benchmark.evaluation calls it."""
    if selection.metrics[name].library != "pyiqa":
        return build_pair_metric(name, selection)
    network = build_network(name, selection)
    with patch.object(learned, "create", lambda *_, **__: network):
        return as_pair_metric(learned.build_learned(selection.metrics[name], [], "cpu", name, store))


def main() -> None:
    """Build the metrics, then answer requests: ``metrics``, ``sr`` and ``hr`` (files) in, values out."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--library", choices=["pyiqa", "ours"], required=True)
    parser.add_argument("--metrics", nargs="+", required=True)
    args = parser.parse_args()
    if args.library == "ours":
        keep_freed_memory()  # as the command does
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    selection = read_registry(Path("config/metrics.yaml")).select(args.metrics)
    with TemporaryDirectory() as folder:
        store = FeatureStore(Path(folder), ROOM)
        of_ours = args.library == "ours"
        functions = {
            name: with_ours(name, selection, store) if of_ours else with_pyiqa(name, selection) for name in args.metrics
        }

        def measure(request: Mapping[str, Any]) -> dict[str, float]:
            sr, hr = (read_rgb(Path(request[name])) for name in ("sr", "hr"))
            return {name: functions[name](sr, hr) for name in request["metrics"]}

        serve(measure)


if __name__ == "__main__":
    main()
