"""The very small demo that a finished run is made of."""

from __future__ import annotations

from pathlib import Path

import torch

from osediff.models import backbone as backbones
from tests.osediff.tiny import TINY
from tests.workflow.repository_copy import read, write


def configure(folder: Path) -> None:
    """Make the demo very small: a tiny backbone, two training steps, one test set, two images."""
    torch.manual_seed(0)
    backbones.save(backbones.build(TINY, backbones.word_tokenizer(["blurring"])), folder / "backbones" / "demo")
    config = folder / "config"

    variants = read(config / "variants.yaml")
    variants["bases"]["demo"] |= {"steps": 2, "batch": 1, "crop": 64, "checkpoint_every": 1}
    write(config / "variants.yaml", variants)

    test_sets = read(config / "testsets.yaml")
    cut = test_sets["demo-synthetic"]["cut"]
    cut["crops"] = cut["crops"][:2]
    test_sets["given"] = {"title": "Given", "kind": "folder", "scale_factor": 4}
    write(config / "testsets.yaml", test_sets)

    methods = read(config / "methods.yaml")
    methods["mine"] = {"title": "Mine", "steps": 1, "kind": "images", "images": "my results/{test_set}"}
    write(config / "methods.yaml", methods)

    main = read(config / "config.yaml")
    main["methods"].remove("osediff-shipped")  # it does not fit the tiny backbone
    main |= {"test_sets": ["demo-synthetic"], "metrics": ["psnr", "ssim", "lpips"], "metric_weights": "none"}
    main["pictures"] = ["demo-synthetic"]
    write(config / "config.yaml", main)
