"""One run of OSEDiff with random weights, for timing."""

from __future__ import annotations

import atexit
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import mkdtemp
from typing import Protocol, cast

import numpy as np
import torch
from torch import Tensor

from osediff.common.errors import InputError
from osediff.common.images import read_rgb, write_png
from osediff.data.color import FIXES
from osediff.data.tensors import as_image, as_tensor
from osediff.models import backbone as backbones
from osediff.models.compilation import compile_networks
from osediff.models.generator import PRECISIONS, Generator
from osediff.pipeline import OSEDiff
from osediff.profiling.networks import Sizes, check_size
from osediff.prompts import ram
from osediff.recipe import Compile, LoraTargets, ModelRecipe, Precision

RECIPE = ModelRecipe(  # the paper's, as far as restoration needs it
    rank_vae=4,
    rank_unet=4,
    alpha=8,
    lora_targets=LoraTargets(vae_encoder=True, vae_decoder=False, unet=True),
    scale_factor=4,
    process_size=1,
    color_fix="adain",
)
STAGES = ("files", "upsampling", "prompt extraction", "text encoder", "color fix")


class TimingSettings(Protocol):
    """The part of a protocol of config/timing.yaml that decides a run."""

    @property
    def includes(self) -> Sequence[str]:
        """Timed steps besides the networks, of ``STAGES``."""

    @property
    def precision(self) -> str:
        """fp32, bf16 or fp16."""

    @property
    def compile(self) -> bool:
        """Whether the networks run through torch.compile."""


def build_backbone(backbone: Sizes | str, device: str) -> backbones.Backbone:
    """Build a backbone of given sizes with random weights, frozen, or load the one in a folder."""
    if isinstance(backbone, str):
        return backbones.load(Path(backbone))
    with torch.device(device):  # a GPU draws a billion random weights in a second, a CPU in a minute
        random_backbone = backbones.build(backbone, backbones.word_tokenizer(["image"]))
    for network in (random_backbone.vae, random_backbone.unet, random_backbone.text_encoder):
        network.requires_grad_(False).eval()
    return random_backbone


def build_model(
    backbone: Sizes | str, device: str, precision: str, compiled: bool = False, channels_last: bool | None = None
) -> OSEDiff:
    """Build OSEDiff with merged random LoRA on a backbone of given sizes, or on the one in a folder.

    Args:
        backbone: sizes, or a folder.
        device: cpu or cuda.
        precision: fp32, bf16 or fp16.
        compiled: run the networks through torch.compile.
        channels_last: memory layout of the networks; None: as ``OSEDiff`` chooses.

    Raises:
        InputError: ``compiled`` where there is no compiler.
    """
    model = OSEDiff(Generator(build_backbone(backbone, device), RECIPE), RECIPE, device, cast(Precision, precision))
    if channels_last is not None:
        layout = torch.channels_last if channels_last else torch.contiguous_format
        for network in (model.backbone.vae, model.backbone.unet):
            network.to(memory_format=layout)
    how: Compile = "cuda-graphs" if device.startswith("cuda") else "default"
    if compiled and not compile_networks(model.backbone, device, how):
        raise InputError(f"torch.compile: no compiler for {device}; nothing was timed")
    return model


def random_images(size: int, batch: int) -> list[np.ndarray]:
    """Draw ``batch`` LR images whose SR images have ``size`` pixels a side; the same at every call."""
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (size // 4, size // 4, 3), np.uint8) for _ in range(batch)]


def osediff_run(
    size: int,
    batch: int,
    device: str,
    protocol: TimingSettings,
    backbone: Sizes | str,
    extractor: bool = False,
    channels_last: bool | None = None,
) -> tuple[Callable[[], Tensor], str]:
    """Return a function that restores ``batch`` images, and what a run includes: LoRA merged, empty prompts.

    A run is always VAE encoder, UNet and VAE decoder. The protocol adds files, upsampling of LR pixels, prompt
    extraction (RAM's networks, with ``extractor``), the text encoder, and color fix.

    Raises:
        InputError: the networks cannot take ``size`` pixels a side.
    """
    includes, dtype = protocol.includes, PRECISIONS[protocol.precision]
    model = build_model(backbone, device, protocol.precision, protocol.compile, channels_last)
    check_size(size, model.backbone.vae, model.backbone.unet)
    tagger = ram.build().to(device, dtype) if extractor and "prompt extraction" in includes else None
    images = random_images(size, batch)
    folder = Path(mkdtemp())
    atexit.register(shutil.rmtree, folder)
    lr_files, sr_files = ([folder / f"{kind}{n}.png" for n in range(batch)] for kind in ("lr", "sr"))
    for path, image in zip(lr_files, images, strict=True):
        write_png(path, image)

    def upsample(lr: list[np.ndarray]) -> Tensor:
        return torch.stack([as_tensor(model.upsample(image)) for image in lr]).to(device)

    upsampled = upsample(images)

    def run() -> Tensor:
        lq = upsampled
        if "upsampling" in includes:
            lq = upsample([read_rgb(path) for path in lr_files] if "files" in includes else images)
        if tagger:
            tagger(ram.preprocess(lq / 2 + 0.5, tagger.size).to(dtype))
        if "text encoder" in includes:
            model.embed.clear()
        sr = model.restore_tensor(lq, [""] * batch, list(range(batch)))
        if "color fix" in includes:
            fix = FIXES[model.color_fix]
            sr = torch.stack([fix(image, like) for image, like in zip(sr, lq, strict=True)])
        for path, image in zip(sr_files, sr if "files" in includes else (), strict=False):
            write_png(path, as_image(image))
        return sr

    taken = [stage for stage in includes if stage != "prompt extraction" or tagger]
    left = [stage for stage in STAGES if stage not in taken]
    return run, ", ".join(["VAE encoder, UNet, VAE decoder", *taken]) + f"; without {', '.join(left)}" * bool(left)
