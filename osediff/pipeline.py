"""A trained OSEDiff that turns LR images into SR images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeVar, get_args

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from osediff import sharing
from osediff.common.devices import check_device
from osediff.common.errors import InputError
from osediff.common.files import JSON, read_object
from osediff.common.shipped import find_model
from osediff.data.color import FIXES
from osediff.data.quantization import correct_and_round, correct_officially
from osediff.data.tensors import as_image, as_tensor
from osediff.data.upsampling import upsample, upsample_officially
from osediff.models import backbone as backbones
from osediff.models.adapter_files import load_adapters
from osediff.models.attention import use_sliced_attention
from osediff.models.compilation import compile_networks
from osediff.models.generator import PRECISIONS, Generator
from osediff.models.sample_rng import SampleRNG
from osediff.models.tile_sizes import Tiling
from osediff.outcome import PROVENANCE
from osediff.provenance import backbone_hash, note_backbone
from osediff.recipe import (
    ColorFix,
    Compile,
    ModelRecipe,
    Posterior,
    Precision,
    Quantization,
    Sizes,
    read_model_recipe,
)

AnyImage = TypeVar("AnyImage", Image.Image, np.ndarray, Tensor)


class OSEDiff:
    """A generator for inference: LoRA merged into the weights, on one device, in one precision.

        from osediff import OSEDiff

        model = OSEDiff.from_pretrained("runs/demo/train/osediff/demo/0", backbone="backbones/demo")
        sr = model(Image.open("photo.png"))   # four times as wide and high

    The same seed, prompt and settings give the same pixels.
    """

    def __init__(
        self,
        generator: Generator,
        recipe: ModelRecipe,
        device: str = "cpu",
        precision: Precision = "fp32",
        tiles: Tiling | None = None,
        posterior: Posterior = "sample",
        color_fix: ColorFix | None = None,
        compile: Compile = "none",
        quantization: Quantization = "rounded",
        sizes: Sizes = "padded",
    ) -> None:
        """Merge and move ``generator``, whose weights are loaded already; see ``from_pretrained``."""
        for setting, value, choices in (
            ("precision", precision, PRECISIONS),
            ("posterior", posterior, get_args(Posterior)),
            ("color fix", color_fix or recipe.color_fix, FIXES),
            ("compile", compile, get_args(Compile)),
            ("quantization", quantization, get_args(Quantization)),
            ("sizes", sizes, get_args(Sizes)),
        ):
            if value not in choices:
                raise InputError(f"unknown {setting} {value!r}; choose one of {', '.join(choices)}")
        check_device(device)
        self.recipe, self.device, self.posterior = recipe, device, posterior
        self.color_fix: ColorFix = color_fix or recipe.color_fix
        self.quantization, self.sizes = quantization, sizes
        self.generator = generator
        self.generator.merge()  # in float32, whatever the precision
        self.generator.tiles = tiles or Tiling()
        self.backbone = generator.backbone.to(device, PRECISIONS[precision])
        if precision != "fp32":
            # The layout that half-precision convolutions are fastest in; float32 gains little.
            for network in (self.backbone.vae, self.backbone.unet):
                network.to(memory_format=torch.channels_last)
        self.compiled = compile_networks(self.backbone, device, compile)
        if device == "cpu" and precision != "fp16" and not self.compiled:
            for network in (self.backbone.vae, self.backbone.unet):
                use_sliced_attention(network)
        self.embed = backbones.PromptEmbedder(self.backbone)
        self.provenance: Mapping[str, JSON] = {}  # what the checkpoint says about its training
        self.backbone_folder: Path | None = None

    @classmethod
    def from_pretrained(
        cls,
        checkpoint: str | Path | None,
        backbone: str | Path | None,
        device: str = "cpu",
        precision: Precision = "fp32",
        tiles: Tiling | None = None,
        posterior: Posterior = "sample",
        color_fix: ColorFix | None = None,
        compile: Compile = "none",
        quantization: Quantization = "rounded",
        sizes: Sizes = "padded",
    ) -> OSEDiff:
        """Load the model in ``checkpoint``, a folder of osediff.train, on the ``backbone`` folder it was trained on.

        Args:
            checkpoint: folder with ``adapters.safetensors`` and ``recipe.json``, or name of a shipped one; None: demo.
            backbone: folder in diffusers' layout, or the name of a shipped one; None: demo.
            device: a device of torch.
            precision: of the networks: fp32, bf16 or fp16.
            tiles: sizes for large images, see osediff.models.tiling.
            posterior: sample the encoder's latent with the seed, or take its mode.
            color_fix: adain, wavelet or none; None: the recipe's.
            compile: run the networks through torch.compile: none, default, or cuda-graphs (on a GPU). The first image
                of each size takes a minute then. Pixels may differ by rounding. Without a compiler, a line on standard
                error says so, and ``compiled`` is false.
            quantization: conversion to 8 bits: rounded once, or truncated twice as in the official script
                (osediff.data.quantization).
            sizes: treatment of small images and of sides that are not multiples of 8: padded, or resized as in the
                official script (osediff.data.upsampling).

        Raises:
            InputError: a folder or a setting is wrong.
        """
        checkpoint, backbone = find_model("checkpoints", checkpoint), find_model("backbones", backbone)
        recipe = read_model_recipe(checkpoint / "recipe.json")
        generator = Generator(backbones.load(backbone), recipe)
        try:
            load_adapters(checkpoint, generator.parameters())
        except InputError:
            if note_backbone(checkpoint, backbone_hash(backbone)):
                fault = f"{checkpoint} was trained on another backbone than {backbone}; name its own"
                raise InputError(fault) from None
            raise
        model = cls(generator, recipe, device, precision, tiles, posterior, color_fix, compile, quantization, sizes)
        model.backbone_folder = backbone
        if (checkpoint / PROVENANCE).exists():
            model.provenance = read_object(checkpoint / PROVENANCE)
        return model

    def save_pretrained(self, folder: str | Path, results: Sequence[Path] = (), license_id: str = "") -> None:
        """Write the model to ``folder`` for diffusers' ``DiffusionPipeline.from_pretrained``, which needs no osediff.

        The folder has the merged weights, ``model_index.json``, ``pipeline.py`` and a card, ``README.md``. The pipeline
        draws the latent with the seed, rounds once and pads, as this class does by default.

        Args:
            folder: new, empty, or written by this method.
            results: files of ``osediff evaluate``, whose averages are on the card.
            license_id: license of the weights, as the hub spells it (cc-by-sa-4.0); empty: not stated.

        Raises:
            InputError: the folder has other files, or a file of results is none.
        """
        provenance = dict(self.provenance)
        if self.backbone_folder:
            provenance["merged_backbone"] = backbone_hash(self.backbone_folder)
        model = self.backbone, self.recipe, self.color_fix, provenance
        sharing.write_folder(*model, Path(folder), results, license_id)

    def upsample(self, lr: np.ndarray) -> np.ndarray:
        """Upsample ``lr``, uint8 (H, W, 3), to the size at which the networks restore it (osediff.data.upsampling)."""
        upsample_lr = upsample_officially if self.sizes == "official" else upsample
        return upsample_lr(lr, self.recipe.scale_factor, self.recipe.process_size)

    @torch.inference_mode()
    def restore_tensor(self, lq: Tensor, prompts: list[str], seeds: list[int]) -> Tensor:
        """Restore LQ images ``lq`` (N, 3, H, W) in [-1, 1] at output size, without color correction.

        There is one prompt and one seed for each image. Returns float32 of the same shape and range.
        """
        height, width = lq.shape[2:]
        factor = self.generator.factor
        padded = F.pad(lq.to(self.device), (0, -width % factor, 0, -height % factor), mode="replicate")
        rng = SampleRNG(seeds) if self.posterior == "sample" else None
        restored, _ = self.generator(padded, self.embed(prompts), rng)
        return restored[..., :height, :width]

    def restore(self, images: list[np.ndarray], prompts: list[str], seeds: list[int]) -> list[np.ndarray]:
        """Restore LR ``images``, uint8 (H, W, 3), all of one size.

        Each image has its own prompt and its own seed, so it does not depend on the others of its batch, except for
        rounding: a pixel may differ by one level in 255. Returns SR images, uint8 (scale_factor H, scale_factor W, 3).
        """
        upsampled = [self.upsample(image) for image in images]
        lq = torch.stack([as_tensor(image) for image in upsampled]).to(self.device)
        restored = self.restore_tensor(lq, prompts, seeds)
        convert = correct_and_round
        if self.quantization == "official":  # its first truncation is in the precision of the networks
            convert, restored = correct_officially, restored.to(self.backbone.vae.dtype)
        srs = [convert(image, reference, self.color_fix) for image, reference in zip(restored, upsampled, strict=True)]
        size = (images[0].shape[1] * self.recipe.scale_factor, images[0].shape[0] * self.recipe.scale_factor)
        if (lq.shape[3], lq.shape[2]) == size:
            return srs
        return [np.asarray(Image.fromarray(sr).resize(size)) for sr in srs]

    def __call__(self, image: AnyImage, prompt: str = "", seed: int = 0) -> AnyImage:
        """Return the SR image of one LR ``image``, ``scale_factor`` times as large and of the same kind.

        Kinds: PIL image (8-bit RGB), uint8 array (H, W, 3), or float tensor (3, H, W) or (1, 3, H, W) in [0, 1] (which
        is rounded to 8 bits first). ``prompt``: tags of the image, as the variant was trained with.
        """
        if isinstance(image, Image.Image):
            if image.mode != "RGB":
                raise InputError(f"the image is in mode {image.mode}, needed is RGB; convert it first")
            return Image.fromarray(self.restore([np.asarray(image)], [prompt], [seed])[0])
        if isinstance(image, np.ndarray):
            if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
                raise InputError(f"the image is {image.dtype} {image.shape}, needed is uint8 (H, W, 3)")
            return self.restore([image], [prompt], [seed])[0]
        if not image.is_floating_point() or image.ndim not in (3, 4) or tuple(image.shape[:-2]) not in ((3,), (1, 3)):
            raise InputError(f"the image is {image.dtype} {tuple(image.shape)}, needed is float (3, H, W) in [0, 1]")
        pixels = as_image(image.reshape(3, *image.shape[-2:]) * 2 - 1)
        restored = torch.from_numpy(self.restore([pixels], [prompt], [seed])[0]).permute(2, 0, 1).to(image) / 255
        return restored.reshape(*image.shape[:-2], *restored.shape[-2:])
