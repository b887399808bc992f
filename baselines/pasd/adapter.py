"""PASD: the authors' UNet, ControlNet and pipeline at 512 pixels, captions by BLIP.

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
from torch import Tensor
from torchvision.transforms.v2 import functional

from baselines.pasd import captions
from baselines.runner.profiling import count_trainable, meta
from baselines.shared import cache as cached
from baselines.shared.upstream_code import Restore, built, generators, importable
from osediff.common.profiling import ProfiledModule, method_module

SCALE = 4
TRAINED = ("pixel_attentions", "norm2_plus", "attn2_plus", "proj_in_plus")  # layers of the UNet, by the training script
TIME = 999  # any step: what is counted does not depend on it
MODEL, BASE, BLIP = "pasd/checkpoint-100000", "stable-diffusion-v1-5", "blip-image-captioning-base"
CONFIGS = "checkpoints/stable-diffusion-v1-5"  # in the checkout: tokenizer, scheduler and configurations of SD 1.5
PIPELINE: dict[str, Any] = {
    "latent_tiled_size": 320,
    "latent_tiled_overlap": 8,
    "init_latent_with_noise": False,
}  # script's defaults
PIPELINE |= {"offset_noise_scale": 0.0}


def mend() -> None:
    """A module that diffusers has moved, where the checkout imports it from."""
    from diffusers.models.controlnets.multicontrolnet import MultiControlNetModel

    moved = ModuleType("diffusers.pipelines.controlnet.multicontrolnet")
    moved.MultiControlNetModel = MultiControlNetModel  # type: ignore[attr-defined]
    sys.modules.setdefault(moved.__name__, moved)


def classes(checkout: Path) -> tuple[Any, Any, Any]:
    """The authors' UNet, ControlNet and pipeline classes."""
    importable(checkout)
    mend()
    unet = importlib.import_module("pasd.models.pasd.unet_2d_condition").UNet2DConditionModel
    controlnet = importlib.import_module("pasd.models.pasd.controlnet").ControlNetModel
    return unet, controlnet, importlib.import_module("pasd.pipelines.pipeline_pasd").StableDiffusionControlNetPipeline


def layout(sources: Path, settings: dict[str, Any]) -> dict[str, dict[str, Tensor] | str]:
    """Names and shapes of what the official checkpoints hold, and their configurations, by path (baselines.shared.random_weights).

    The caption network's vocabulary is made up.
    """
    from diffusers import AutoencoderKL
    from transformers import BlipConfig, BlipForConditionalGeneration, CLIPTextConfig, CLIPTextModel

    checkout = sources / "PASD"
    unet_class, controlnet_class, _ = classes(checkout)
    read = {name: json.loads((checkout / CONFIGS / name / "config.json").read_text()) for name in ("unet", "vae")}
    text_config = CLIPTextConfig.from_pretrained(checkout / CONFIGS / "text_encoder")
    unet: Any = built(lambda: unet_class.from_config(read["unet"]))
    controlnet: Any = built(lambda: controlnet_class.from_unet(unet, load_weights_from_unet=False))
    vae: Any = built(lambda: AutoencoderKL.from_config(read["vae"]))
    text: Any = built(lambda: CLIPTextModel(text_config))
    blip: Any = built(lambda: BlipForConditionalGeneration(BlipConfig()))
    files: dict[str, dict[str, Tensor] | str] = {}
    for folder, network in ((f"{MODEL}/unet", unet), (f"{MODEL}/controlnet", controlnet), (f"{BASE}/vae", vae)):
        files[f"{folder}/config.json"] = network.to_json_string()
        files[f"{folder}/diffusion_pytorch_model.safetensors"] = network.state_dict()
    for folder, network in ((f"{BASE}/text_encoder", text), (BLIP, blip)):
        files[f"{folder}/config.json"] = network.config.to_json_string()
        tied = set(getattr(network, "all_tied_weights_keys", None) or {})
        files[f"{folder}/model.safetensors"] = {k: v for k, v in network.state_dict().items() if k not in tied}
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "picture", "of"]
    words += [f"word{index}" for index in range(30522 - len(words))] + ["[DEC]", "[ENC]"]
    return files | {
        f"{BLIP}/vocab.txt": "\n".join(words) + "\n",
        f"{BLIP}/tokenizer_config.json": '{"do_lower_case": true}',
        f"{BLIP}/preprocessor_config.json": '{"image_processor_type": "BlipImageProcessor"}',
    }


def profiled_modules(sources: Path, settings: dict[str, Any], size: int) -> Iterator[ProfiledModule]:
    """Yield the networks, on the meta device, as called for an LR image of ``size`` pixels a side.

    Guidance doubles the batch. Of the caption network, its image encoder is called, not its decoder of words. The
    ControlNet and the UNet's layers for it are trained.
    """
    from diffusers import AutoencoderKL
    from transformers import BlipConfig, BlipForConditionalGeneration, CLIPTextConfig, CLIPTextModel

    checkout = sources / "PASD"
    unet_class, controlnet_class, _ = classes(checkout)
    read = {name: json.loads((checkout / CONFIGS / name / "config.json").read_text()) for name in ("unet", "vae")}
    text_config = CLIPTextConfig.from_pretrained(checkout / CONFIGS / "text_encoder")
    unet: Any = built(lambda: unet_class.from_config(read["unet"])).to("meta")
    controlnet: Any = built(lambda: controlnet_class.from_unet(unet, load_weights_from_unet=False)).to("meta")
    vae: Any = built(lambda: AutoencoderKL.from_config(read["vae"])).to("meta")
    text: Any = built(lambda: CLIPTextModel(text_config)).to("meta")
    blip: Any = built(lambda: BlipForConditionalGeneration(BlipConfig())).to("meta")
    side = max(size * SCALE, settings["process_size"]) // 8 * 8
    latent, words = meta(2, 4, side // 8, side // 8), meta(2, 77, 768)
    image, pixels = meta(2, 3, side, side), meta(1, 3, 384, 384)

    control = {"encoder_hidden_states": words, "controlnet_cond": image, "return_dict": False}
    at, steps = (latent, TIME), settings["steps"]
    _, down, middle = controlnet(*at, **control)
    residuals = {"down_block_additional_residuals": list(down), "mid_block_additional_residual": middle}
    conditions = {"encoder_hidden_states": words, "return_dict": False, **residuals}
    encoder = method_module(vae, "encode", [vae.encoder, vae.quant_conv])
    decoder = method_module(vae, "decode", [vae.decoder, vae.post_quant_conv])
    yield ProfiledModule("text encoder", text, (meta(1, 77, dtype=torch.long),), calls=2)
    yield ProfiledModule("VAE encoder", encoder, (image[:1],))
    yield ProfiledModule("ControlNet", controlnet, at, control, steps, count_trainable(controlnet))
    yield ProfiledModule("UNet", unet, at, conditions, steps, count_trainable(unet, TRAINED))
    yield ProfiledModule("VAE decoder", decoder, (latent[:1],))
    yield ProfiledModule("BLIP", method_module(blip, "vision_model", [blip]), (pixels,))


def enlarged(lr: Image.Image, process_size: int) -> Image.Image:
    """The LR image at 4x (PIL's bicubic), its short side at least ``process_size``, sides cut to multiples of 8."""
    image = lr.resize((lr.width * SCALE, lr.height * SCALE))
    if min(image.size) < process_size:
        image = functional.resize(image, [process_size])
    return image.resize((image.width // 8 * 8, image.height // 8 * 8))


def load(sources: Path, settings: dict[str, Any], device: str, cache: Path) -> Restore:
    """PASD's restoring function."""
    from diffusers import AutoencoderKL, UniPCMultistepScheduler
    from transformers import CLIPImageProcessor, CLIPTextModel, CLIPTokenizer

    checkout, weights = sources / "PASD", sources / "weights"
    unet_class, controlnet_class, pipeline_class = classes(checkout)
    color_fix = importlib.import_module("pasd.myutils.wavelet_color_fix").wavelet_color_fix
    options = {"torch_dtype": torch.float32 if device == "cpu" else torch.float16, "local_files_only": True}
    pipeline = pipeline_class(
        vae=AutoencoderKL.from_pretrained(weights / BASE / "vae", **options).to(device),
        text_encoder=CLIPTextModel.from_pretrained(weights / BASE / "text_encoder", **options).to(device),
        tokenizer=CLIPTokenizer.from_pretrained(checkout / CONFIGS / "tokenizer", local_files_only=True),
        feature_extractor=CLIPImageProcessor.from_pretrained(
            checkout / CONFIGS / "feature_extractor", local_files_only=True
        ),
        unet=unet_class.from_pretrained(weights / MODEL / "unet", **options).to(device),
        controlnet=controlnet_class.from_pretrained(weights / MODEL / "controlnet", **options).to(device),
        scheduler=UniPCMultistepScheduler.from_pretrained(checkout / CONFIGS / "scheduler", local_files_only=True),
        safety_checker=None,
        requires_safety_checker=False,
    )
    pipeline._init_tiled_vae(encoder_tile_size=1024, decoder_tile_size=224)
    pipeline.set_progress_bar_config(disable=True)
    captioner = functools.cache(lambda: captions.blip(weights / BLIP, device))  # loaded once there is one to be made
    generator = generators(device)
    arguments = SimpleNamespace(
        num_inference_steps=settings["steps"], added_noise_level=settings["added_noise_level"], **PIPELINE
    )

    @torch.no_grad()
    def restore(lr: np.ndarray, stem: str, seed: int | None) -> np.ndarray:
        picture = Image.fromarray(lr)
        caption = cached.text(cache / "captions", lr, stem, lambda: captioner()(picture))
        image = enlarged(picture, settings["process_size"])
        sr = pipeline(
            arguments,
            captions.cleaned(caption) + settings["added_prompt"],
            image,
            num_inference_steps=settings["steps"],
            generator=generator(seed),
            guidance_scale=settings["guidance"],
            negative_prompt=settings["negative_prompt"],
            conditioning_scale=1.0,
        ).images[0]
        return np.asarray(color_fix(sr, image).resize((lr.shape[1] * SCALE, lr.shape[0] * SCALE)))

    return restore
