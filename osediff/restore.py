"""Restores a folder of LR images, or one image, with a trained OSEDiff checkpoint."""

from __future__ import annotations

import argparse
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from contracts.errors import run
from contracts.files import read_json, sha256
from contracts.restoring import restore_folder
from osediff import backbone as backbones
from osediff import checkpoints
from osediff.data import as_image, as_tensor
from osediff.generator import Generator


def adain(image: Tensor, reference: Tensor) -> Tensor:
    """``image`` with each channel's mean and deviation taken from ``reference``; both (3, H, W), any range."""
    mean, deviation = (f(image, (1, 2), keepdim=True) for f in (torch.mean, torch.std))
    wanted_mean, wanted_deviation = (f(reference, (1, 2), keepdim=True) for f in (torch.mean, torch.std))
    return (image - mean) / (deviation + 1e-6) * wanted_deviation + wanted_mean


class Restorer:
    """A trained generator on one device that turns LR images into SR images, LoRA merged into the weights."""

    def __init__(self, checkpoint: Path, backbone: Path, device: str = "cpu") -> None:
        self.recipe: dict[str, Any] = read_json(checkpoint / "recipe.json")
        self.device = device
        loaded = backbones.load(backbone)
        self.generator = Generator(loaded, self.recipe)
        checkpoints.load_adapters(checkpoint / "adapters.safetensors", self.generator.parameters())
        self.generator.merge()
        loaded.to(device)
        self.text = loaded.embed([""])
        self.multiple = 2 ** (
            len(loaded.vae.config.block_out_channels) + len(loaded.unet.config.block_out_channels) - 2
        )

    def enlarged(self, lr: np.ndarray) -> np.ndarray:
        """``lr`` at output size (PIL's default filter), the smaller side brought up to ``process_size`` if below."""
        height, width = (extent * self.recipe["scale"] for extent in lr.shape[:2])
        zoom = max(1.0, self.recipe["process_size"] / min(height, width))
        return np.asarray(Image.fromarray(lr).resize((round(width * zoom), round(height * zoom))))

    @torch.inference_mode()
    def __call__(self, lr: np.ndarray, seed: int = 0) -> np.ndarray:
        """SR image, uint8 (scale H, scale W, 3), of ``lr``, uint8 (H, W, 3); ``seed`` fixes the latent's sampling."""
        image = as_tensor(self.enlarged(lr)).to(self.device)
        height, width = image.shape[1:]
        margins = (-width % self.multiple, -height % self.multiple)
        padded = F.pad(image[None], (0, margins[0], 0, margins[1]), mode="replicate")
        restored, _ = self.generator(padded, self.text, torch.Generator().manual_seed(seed))
        restored = restored[0, :, :height, :width]
        if self.recipe["colour_fix"] == "adain":
            restored = adain(restored, image)
        sr = as_image(restored)
        size = (lr.shape[1] * self.recipe["scale"], lr.shape[0] * self.recipe["scale"])
        return sr if (width, height) == size else np.asarray(Image.fromarray(sr).resize(size))


def main() -> None:
    """Command line: LR images in, one SR PNG each out, and a record of what made them."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--input", type=Path, required=True, help="LR image, or folder of LR images (8-bit RGB)")
    parser.add_argument("--output", type=Path, required=True, help="folder for the SR images")
    parser.add_argument("--checkpoint", type=Path, required=True, help="checkpoint folder of osediff.train")
    parser.add_argument("--backbone", type=Path, required=True, help="the backbone it was trained on")
    parser.add_argument("--record", type=Path, default=None, help="JSON record (default: OUTPUT/../run.json)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=None, help="CPU threads")
    args = parser.parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    restorer = Restorer(args.checkpoint, args.backbone, args.device)
    made_by = {
        "method": "osediff",
        "adapters": sha256(args.checkpoint / "adapters.safetensors"),
        "backbone": checkpoints.folder_hash(args.backbone),
        "seed": args.seed,
    }

    def restore(lr: np.ndarray, stem: str) -> np.ndarray:
        return restorer(lr, seed=(args.seed << 32) + zlib.crc32(stem.encode()))

    record = args.record or args.output.parent / "run.json"
    restore_folder(args.input, args.output, record, restore, made_by, restorer.recipe["scale"])


if __name__ == "__main__":
    run(main)
