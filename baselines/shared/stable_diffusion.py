"""Stable Diffusion with a ControlNet, as PASD and SeeSR use it: they call classes of their own in the same way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from baselines.runner.adapters import Contents
from baselines.runner.profiling import count_trainable, meta
from osediff.common.profiling import ProfiledModule, method_module

TIME = 999  # any step of the diffusion: the counts do not depend on it


@dataclass(frozen=True)
class Classes:
    """The official classes of UNet, ControlNet and pipeline."""

    unet: Any
    controlnet: Any
    pipeline: Any


@dataclass(frozen=True)
class Networks:
    """The networks of a pipeline, without weights."""

    text_encoder: Any
    vae: Any
    controlnet: Any
    unet: Any

    def to_meta(self) -> Networks:
        """Move the buffers to the meta device too; build_on_meta leaves them."""
        return Networks(*(network.to("meta") for network in vars(self).values()))


def diffusers_files(networks: Mapping[str, Any]) -> dict[str, Contents | str]:
    """Return the files of ``networks``, by folder, as diffusers writes them."""
    files: dict[str, Contents | str] = {}
    for folder, network in networks.items():
        files[f"{folder}/config.json"] = network.to_json_string()
        files[f"{folder}/diffusion_pytorch_model.safetensors"] = network.state_dict()
    return files


def transformers_files(networks: Mapping[str, Any]) -> dict[str, Contents | str]:
    """Return the files of ``networks``, by folder, as transformers writes them: tied weights stand once."""
    files: dict[str, Contents | str] = {}
    for folder, network in networks.items():
        tied = set(getattr(network, "all_tied_weights_keys", None) or {})
        weights = {name: value for name, value in network.state_dict().items() if name not in tied}
        files[f"{folder}/config.json"] = network.config.to_json_string()
        files[f"{folder}/model.safetensors"] = weights
    return files


def load_pipeline(classes: Classes, model: Path, base: Path, device: str, **components: Any) -> Any:
    """Load the official pipeline, with its tiled VAE and without a progress bar.

    Args:
        classes: the official classes.
        model: folder with ``unet`` and ``controlnet``.
        base: folder with ``vae`` and ``text_encoder`` of Stable Diffusion.
        device: cpu (float32) or cuda (float16).
        components: tokenizer, scheduler and whatever else the pipeline takes.
    """
    from diffusers import AutoencoderKL
    from transformers import CLIPTextModel

    how = {"torch_dtype": torch.float32 if device == "cpu" else torch.float16, "local_files_only": True}
    pipeline = classes.pipeline(
        vae=AutoencoderKL.from_pretrained(base / "vae", **how).to(device),
        text_encoder=CLIPTextModel.from_pretrained(base / "text_encoder", **how).to(device),
        unet=classes.unet.from_pretrained(model / "unet", **how).to(device),
        controlnet=classes.controlnet.from_pretrained(model / "controlnet", **how).to(device),
        safety_checker=None,
        requires_safety_checker=False,
        **components,
    )
    pipeline._init_tiled_vae(encoder_tile_size=1024, decoder_tile_size=224)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def profile_networks(
    networks: Networks, image: Tensor, conditions: Mapping[str, Tensor], steps: int, trained: Iterable[str]
) -> Iterator[ProfiledModule]:
    """Yield the networks with the calls that one image needs.

    Args:
        networks: on the meta device.
        image: the upsampled image, (2, 3, H, W): guidance doubles the batch.
        conditions: embeddings to which UNet and ControlNet attend, by the name of their argument.
        steps: steps of the diffusion.
        trained: words in the names of the UNet's layers that the official code trains, beside the ControlNet.
    """
    vae, controlnet, unet = networks.vae, networks.controlnet, networks.unet
    latent = meta(2, 4, image.shape[2] // 8, image.shape[3] // 8)
    call = (latent, TIME)
    control = {**conditions, "controlnet_cond": image, "return_dict": False}
    *_, down, middle = controlnet(*call, **control)  # PASD returns an image prediction first
    residuals = {"down_block_additional_residuals": list(down), "mid_block_additional_residual": middle}
    denoising = {**conditions, "return_dict": False, **residuals}
    encoder = method_module(vae, "encode", [vae.encoder, vae.quant_conv])
    decoder = method_module(vae, "decode", [vae.decoder, vae.post_quant_conv])
    words = meta(1, 77, dtype=torch.long)
    yield ProfiledModule("text encoder", networks.text_encoder, (words,), calls=2)
    yield ProfiledModule("VAE encoder", encoder, (image[:1],))
    yield ProfiledModule("ControlNet", controlnet, call, control, steps, count_trainable(controlnet))
    yield ProfiledModule("UNet", unet, call, denoising, steps, count_trainable(unet, tuple(trained)))
    yield ProfiledModule("VAE decoder", decoder, (latent[:1],))
