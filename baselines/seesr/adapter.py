"""SeeSR: the authors' UNet, ControlNet, tagger (DAPE) and pipeline, in the environment that they need.

Runs with diffusers 0.21 (environment.yaml); nothing here is imported in the main environment except by tests.
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

from baselines.shared import cache as cached
from baselines.shared.upstream_code import Restore, generators, importable
from osediff.common.errors import InputError
from osediff.common.profiling import ProfiledModule

SCALE = 4
MODEL, BASE = "seesr", "stable-diffusion-2-base"
RAM, DAPE = "ram_swin_large_14m.pth", "DAPE.pth"
TO_TAGGER = transforms.Compose(
    [
        transforms.ToTensor(),
        transforms.Resize((384, 384), antialias=False),  # as the torchvision of its pins does by default
        transforms.Normalize(mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225]),
    ]
)


class Words:
    """In place of the BERT tokenizer that the tagger fetches from the hub: it only asks how many words there are."""

    def __call__(self, text: str) -> Words:
        self.input_ids: list[int] = []
        return self

    def __len__(self) -> int:
        return 30524  # bert-base-uncased and the tagger's two tokens


def tagger_code(checkout: Path) -> Any:
    """The module that holds the authors' tagger."""
    importable(checkout)
    code = importlib.import_module("ram.models.ram_lora")
    code.init_tokenizer = Words  # type: ignore[attr-defined]
    return code


def tagger(checkout: Path, weights: Path, device: str) -> nn.Module:
    """DAPE: RAM with the authors' LoRA weights, filled by their own loader. InputError where weights are missing."""
    code = tagger_code(checkout)
    model = code.ram(
        pretrained=str(weights / RAM), pretrained_condition=str(weights / DAPE), image_size=384, vit="swin_l"
    )
    # The loader takes whatever fits and is silent about the rest.
    for path, wanted in ((weights / RAM, "visual_encoder.patch_embed.proj.weight"), (weights / DAPE, "lora_A")):
        content: Any = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
        if not any(wanted in name for name in content.get("model", content)):
            raise InputError(f"{path}: no {wanted} in it; this is a checkpoint of another network, get it anew")
    network: nn.Module = model.eval().requires_grad_(False).to(device)
    return network


def layout(sources: Path, settings: dict[str, Any]) -> dict[str, dict[str, Any] | str]:
    """What the official checkpoints hold (baselines.shared.random_weights)."""
    from baselines.seesr.layout import layout

    return layout(sources, settings)


def profiled_modules(sources: Path, settings: dict[str, Any], size: int) -> Iterator[ProfiledModule]:
    """Yield the networks, on the meta device, as called for an LR image of ``size`` pixels a side."""
    from baselines.seesr.layout import profiled_modules

    return profiled_modules(sources, settings, size)


def enlarged(lr: Image.Image, process_size: int) -> Image.Image:
    """The LR image at 4x (PIL's bicubic), its short side at least ``process_size``, sides cut to multiples of 8."""
    least = process_size // SCALE
    if min(lr.size) < least:
        ratio = least / min(lr.size)
        lr = lr.resize((int(ratio * lr.width), int(ratio * lr.height)))
    image = lr.resize((lr.width * SCALE, lr.height * SCALE))
    return image.resize((image.width // 8 * 8, image.height // 8 * 8))


def load(sources: Path, settings: dict[str, Any], device: str, cache: Path) -> Restore:
    """SeeSR's restoring function."""
    from diffusers import AutoencoderKL, DDPMScheduler
    from transformers import CLIPImageProcessor, CLIPTextModel, CLIPTokenizer

    checkout, weights = importable(sources / "SeeSR"), sources / "weights"
    unet_class = importlib.import_module("models.unet_2d_condition").UNet2DConditionModel
    controlnet_class = importlib.import_module("models.controlnet").ControlNetModel
    pipeline_class = importlib.import_module("pipelines.pipeline_seesr").StableDiffusionControlNetPipeline
    color_fix = importlib.import_module("utils.wavelet_color_fix").adain_color_fix
    options = {"torch_dtype": torch.float32 if device == "cpu" else torch.float16, "local_files_only": True}
    pipeline = pipeline_class(
        vae=AutoencoderKL.from_pretrained(weights / BASE / "vae", **options).to(device),
        text_encoder=CLIPTextModel.from_pretrained(weights / BASE / "text_encoder", **options).to(device),
        tokenizer=CLIPTokenizer.from_pretrained(weights / BASE / "tokenizer", local_files_only=True),
        feature_extractor=CLIPImageProcessor(),  # for a safety checker, which there is none of
        unet=unet_class.from_pretrained(weights / MODEL / "unet", **options).to(device),
        controlnet=controlnet_class.from_pretrained(weights / MODEL / "controlnet", **options).to(device),
        scheduler=DDPMScheduler.from_pretrained(weights / BASE / "scheduler", local_files_only=True),
        safety_checker=None,
        requires_safety_checker=False,
    )
    pipeline._init_tiled_vae(encoder_tile_size=1024, decoder_tile_size=224)
    pipeline.set_progress_bar_config(disable=True)
    dape: Any = functools.cache(lambda: tagger(checkout, weights, device))  # loaded once there is an image to be tagged
    generator = generators(device)

    def context() -> AbstractContextManager[Any]:
        return nullcontext() if device == "cpu" else torch.autocast("cuda")

    @torch.no_grad()
    def restore(lr: np.ndarray, stem: str, seed: int | None) -> np.ndarray:
        picture = Image.fromarray(lr)
        pixels: Tensor = TO_TAGGER(picture)[None].to(device)
        tags = cached.text(cache / "tags", lr, stem, lambda: dape().generate_tag(pixels)[0][0])
        features = cached.array(cache / "tags", lr, stem, lambda: dape().generate_image_embeds(pixels).cpu().numpy())
        image = enlarged(picture, settings["process_size"])
        with context():
            sr = pipeline(
                f"{tags}, ,{settings['added_prompt']}",  # an empty prompt of the user's stands between
                image,
                num_inference_steps=settings["steps"],
                generator=generator(seed),
                height=image.height,
                width=image.width,
                guidance_scale=settings["guidance"],
                negative_prompt=settings["negative_prompt"],
                conditioning_scale=1.0,
                start_point="lr",
                ram_encoder_hidden_states=torch.from_numpy(features).to(device),
                latent_tiled_size=96,
                latent_tiled_overlap=4,
                args=settings,
            ).images[0]
        return np.asarray(color_fix(sr, image).resize((lr.shape[1] * SCALE, lr.shape[0] * SCALE)))

    return restore
