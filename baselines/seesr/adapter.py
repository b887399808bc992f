"""SeeSR: the official UNet, ControlNet, tagger (DAPE) and pipeline, in the environment that they need.

It runs with diffusers 0.21 (environment.yaml), so nothing here imports diffusers or transformers at the top.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torchvision import transforms

from baselines.runner.adapters import Contents, Restore
from baselines.seesr import networks
from baselines.seesr.official import BASE, DAPE, MODEL, RAM, import_classes, import_tagger
from baselines.shared.cache import cache_array, cache_text
from baselines.shared.images import SCALE_FACTOR, enlarge
from baselines.shared.stable_diffusion import load_pipeline
from baselines.shared.upstream_code import make_generators, make_importable
from osediff.common.errors import InputError
from osediff.common.profiling import ProfiledModule
from osediff.common.settings import Settings
from osediff.common.tensor_files import read_pickled

TO_TAGGER = transforms.Compose(
    [
        transforms.ToTensor(),
        transforms.Resize((384, 384), antialias=False),  # as the torchvision of its pins does by default
        transforms.Normalize(mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225]),
    ]
)


class Options(Settings):
    """The values under ``settings`` of the descriptor."""

    steps: int
    process_size: int
    """Least length of the short side of the upsampled image, in pixels."""
    guidance: float
    added_prompt: str
    negative_prompt: str


def load_tagger(checkout: Path, weights: Path, device: str) -> nn.Module:
    """Load DAPE, which is RAM with SeeSR's LoRA weights, by the official function.

    Raises:
        InputError: a checkpoint is of another network.
    """
    # The official function takes the weights that fit and does not report the others.
    for path, needed in ((weights / RAM, "visual_encoder.patch_embed.proj.weight"), (weights / DAPE, "lora_A")):
        content: Any = read_pickled(path, mapped=True)
        names = content.get("model", content) if isinstance(content, dict) else content
        if not isinstance(names, dict) or not any(needed in str(name) for name in names):
            raise InputError(f"{path}: no {needed} in it; this is a checkpoint of another network, get it anew")
    network = import_tagger(checkout).ram(
        pretrained=str(weights / RAM), pretrained_condition=str(weights / DAPE), image_size=384, vit="swin_l"
    )
    tagger: nn.Module = network.eval().requires_grad_(False).to(device)
    return tagger


def layout(sources: Path, options: Options) -> dict[str, Contents | str]:
    """Return names and shapes of the official checkpoints, and their configurations, by path."""
    return networks.layout(sources)


def profiled_modules(sources: Path, options: Options, size: int) -> Iterator[ProfiledModule]:
    """Yield the networks, on the meta device, as called for an LR image of ``size`` pixels a side."""
    side = max(size * SCALE_FACTOR, options.process_size) // 8 * 8
    return networks.profiled_modules(sources, side, options.steps)


def load(sources: Path, options: Options, device: str, cache: Path) -> Restore:
    """Load the networks and return the function that restores one image."""
    from diffusers import DDPMScheduler
    from transformers import CLIPImageProcessor, CLIPTokenizer

    checkout, weights = make_importable(sources / "SeeSR"), sources / "weights"
    color_fix = importlib.import_module("utils.wavelet_color_fix").adain_color_fix
    pipeline = load_pipeline(
        import_classes(checkout),
        weights / MODEL,
        weights / BASE,
        device,
        tokenizer=CLIPTokenizer.from_pretrained(weights / BASE / "tokenizer", local_files_only=True),
        feature_extractor=CLIPImageProcessor(),  # for the safety checker, which is left out
        scheduler=DDPMScheduler.from_pretrained(weights / BASE / "scheduler", local_files_only=True),
    )
    dape: Any = functools.cache(lambda: load_tagger(checkout, weights, device))  # only if there is an image to tag
    generator = make_generators(device)

    def context() -> AbstractContextManager[Any]:
        return nullcontext() if device == "cpu" else torch.autocast("cuda")

    @torch.no_grad()
    def restore(lr: np.ndarray, stem: str, seed: int | None) -> np.ndarray:
        picture = Image.fromarray(lr)
        pixels: Tensor = TO_TAGGER(picture)[None].to(device)
        tags = cache_text(cache / "tags", lr, stem, lambda: dape().generate_tag(pixels)[0][0])
        features = cache_array(cache / "tags", lr, stem, lambda: dape().generate_image_embeds(pixels).cpu().numpy())
        image = enlarge(picture, options.process_size)
        with context():
            sr = pipeline(
                f"{tags}, ,{options.added_prompt}",  # the user's prompt, which is empty, stands between
                image,
                num_inference_steps=options.steps,
                generator=generator(seed),
                height=image.height,
                width=image.width,
                guidance_scale=options.guidance,
                negative_prompt=options.negative_prompt,
                conditioning_scale=1.0,
                start_point="lr",
                ram_encoder_hidden_states=torch.from_numpy(features).to(device),
                latent_tiled_size=96,
                latent_tiled_overlap=4,
                args=options,  # only compared with None: otherwise the tile sizes above are not used
            ).images[0]
        return np.asarray(color_fix(sr, image).resize((lr.shape[1] * SCALE_FACTOR, lr.shape[0] * SCALE_FACTOR)))

    return restore
