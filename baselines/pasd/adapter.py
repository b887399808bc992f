"""PASD: the official UNet, ControlNet and pipeline at 512 pixels, with captions by BLIP.

The settings are those that the parameters and MACs of the OSEDiff paper's Table 2 imply, not the script's defaults.
"""

from __future__ import annotations

import functools
import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import torch
from PIL import Image
from torchvision.transforms.v2 import functional

from baselines.pasd.captions import load_captioner, replace_degradation
from baselines.runner.adapters import Contents, Restore
from baselines.runner.profiling import meta
from baselines.shared.cache import cache_text
from baselines.shared.images import SCALE_FACTOR
from baselines.shared.stable_diffusion import (
    Classes,
    Networks,
    diffusers_files,
    load_pipeline,
    profile_networks,
    transformers_files,
)
from baselines.shared.upstream_code import build_on_meta, make_generators, make_importable
from osediff.common.profiling import ProfiledModule, method_module
from osediff.common.settings import Settings

TRAINED = ("pixel_attentions", "norm2_plus", "attn2_plus", "proj_in_plus")  # layers of the UNet, by the training script
MODEL, BASE, BLIP = "pasd/checkpoint-100000", "stable-diffusion-v1-5", "blip-image-captioning-base"
CONFIGS = "checkpoints/stable-diffusion-v1-5"  # in the checkout: tokenizer, scheduler and configurations of SD 1.5
# The script's defaults.
PIPELINE: dict[str, Any] = {"latent_tiled_size": 320, "latent_tiled_overlap": 8, "init_latent_with_noise": False}
PIPELINE |= {"offset_noise_scale": 0.0}


class Options(Settings):
    """The values under ``settings`` of the descriptor."""

    steps: int
    process_size: int
    """Least length of the short side of the upsampled image, in pixels."""
    guidance: float
    added_noise_level: int
    added_prompt: str
    negative_prompt: str


def patch_upstream() -> None:
    """Provide a module that diffusers has moved under the name that the checkout imports."""
    from diffusers.models.controlnets.multicontrolnet import MultiControlNetModel

    moved = ModuleType("diffusers.pipelines.controlnet.multicontrolnet")
    moved.MultiControlNetModel = MultiControlNetModel  # type: ignore[attr-defined]
    sys.modules.setdefault(moved.__name__, moved)


def import_classes(checkout: Path) -> Classes:
    """Import the official classes."""
    make_importable(checkout)
    patch_upstream()
    return Classes(
        unet=importlib.import_module("pasd.models.pasd.unet_2d_condition").UNet2DConditionModel,
        controlnet=importlib.import_module("pasd.models.pasd.controlnet").ControlNetModel,
        pipeline=importlib.import_module("pasd.pipelines.pipeline_pasd").StableDiffusionControlNetPipeline,
    )


def build_networks(checkout: Path) -> tuple[Networks, Any]:
    """Build the networks of the pipeline, and BLIP, without weights."""
    from diffusers import AutoencoderKL
    from transformers import BlipConfig, BlipForConditionalGeneration, CLIPTextConfig, CLIPTextModel

    classes = import_classes(checkout)
    configs = {name: json.loads((checkout / CONFIGS / name / "config.json").read_text()) for name in ("unet", "vae")}
    text_config = CLIPTextConfig.from_pretrained(checkout / CONFIGS / "text_encoder")
    unet = build_on_meta(lambda: classes.unet.from_config(configs["unet"]))
    networks = Networks(
        text_encoder=build_on_meta(lambda: CLIPTextModel(text_config)),
        vae=build_on_meta(lambda: AutoencoderKL.from_config(configs["vae"])),
        controlnet=build_on_meta(lambda: classes.controlnet.from_unet(unet, load_weights_from_unet=False)),
        unet=unet,
    )
    return networks, build_on_meta(lambda: BlipForConditionalGeneration(BlipConfig()))


def layout(sources: Path, options: Options) -> dict[str, Contents | str]:
    """Return names and shapes of the official checkpoints, and their configurations, by path.

    The vocabulary of the caption network is invented.
    """
    networks, blip = build_networks(sources / "PASD")
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "picture", "of"]
    words += [f"word{index}" for index in range(30522 - len(words))] + ["[DEC]", "[ENC]"]
    folders = {f"{MODEL}/unet": networks.unet, f"{MODEL}/controlnet": networks.controlnet, f"{BASE}/vae": networks.vae}
    return {
        **diffusers_files(folders),
        **transformers_files({f"{BASE}/text_encoder": networks.text_encoder, BLIP: blip}),
        f"{BLIP}/vocab.txt": "\n".join(words) + "\n",
        f"{BLIP}/tokenizer_config.json": '{"do_lower_case": true}',
        f"{BLIP}/preprocessor_config.json": '{"image_processor_type": "BlipImageProcessor"}',
    }


def profiled_modules(sources: Path, options: Options, size: int) -> Iterator[ProfiledModule]:
    """Yield the networks, on the meta device, as called for an LR image of ``size`` pixels a side.

    Of the caption network, its image encoder is called, not its decoder of words.
    """
    networks, blip = build_networks(sources / "PASD")
    side = max(size * SCALE_FACTOR, options.process_size) // 8 * 8
    conditions = {"encoder_hidden_states": meta(2, 77, 768)}
    image = meta(2, 3, side, side)
    yield from profile_networks(networks.to_meta(), image, conditions, options.steps, TRAINED)
    encoder = method_module(blip.to("meta"), "vision_model", [blip])
    yield ProfiledModule("BLIP", encoder, (meta(1, 3, 384, 384),))


def upsample(lr: Image.Image, process_size: int) -> Image.Image:
    """Enlarge an LR image to 4x (PIL's bicubic), its short side at least ``process_size``, sides multiples of 8."""
    image = lr.resize((lr.width * SCALE_FACTOR, lr.height * SCALE_FACTOR))
    if min(image.size) < process_size:
        image = functional.resize(image, [process_size])
    return image.resize((image.width // 8 * 8, image.height // 8 * 8))


def load(sources: Path, options: Options, device: str, cache: Path) -> Restore:
    """Load the networks and return the function that restores one image."""
    from diffusers import UniPCMultistepScheduler
    from transformers import CLIPImageProcessor, CLIPTokenizer

    checkout, weights = sources / "PASD", sources / "weights"
    classes = import_classes(checkout)
    color_fix = importlib.import_module("pasd.myutils.wavelet_color_fix").wavelet_color_fix
    configs = checkout / CONFIGS
    pipeline = load_pipeline(
        classes,
        weights / MODEL,
        weights / BASE,
        device,
        tokenizer=CLIPTokenizer.from_pretrained(configs / "tokenizer", local_files_only=True),
        feature_extractor=CLIPImageProcessor.from_pretrained(configs / "feature_extractor", local_files_only=True),
        scheduler=UniPCMultistepScheduler.from_pretrained(configs / "scheduler", local_files_only=True),
    )
    captioner = functools.cache(lambda: load_captioner(weights / BLIP, device))  # only if there is a caption to write
    generator = make_generators(device)
    arguments = SimpleNamespace(
        num_inference_steps=options.steps, added_noise_level=options.added_noise_level, **PIPELINE
    )

    @torch.no_grad()
    def restore(lr: np.ndarray, stem: str, seed: int | None) -> np.ndarray:
        picture = Image.fromarray(lr)
        caption = cache_text(cache / "captions", lr, stem, lambda: captioner()(picture))
        image = upsample(picture, options.process_size)
        sr = pipeline(
            arguments,
            replace_degradation(caption) + options.added_prompt,
            image,
            num_inference_steps=options.steps,
            generator=generator(seed),
            guidance_scale=options.guidance,
            negative_prompt=options.negative_prompt,
            conditioning_scale=1.0,
        ).images[0]
        return np.asarray(color_fix(sr, image).resize((lr.shape[1] * SCALE_FACTOR, lr.shape[0] * SCALE_FACTOR)))

    return restore
