"""S3Diff: the official network, whose LoRA depends on the estimated degradation, called as in the official script."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from types import MethodType, SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch.nn import functional
from torchvision.transforms.v2.functional import to_pil_image

from baselines.runner.adapters import Contents, Restore
from baselines.runner.profiling import count_trainable, meta
from baselines.s3diff import networks
from baselines.s3diff.networks import BASE, ESTIMATOR, RANK_UNET, RANK_VAE, UNET_LAYERS, VAE_LAYERS, import_code
from baselines.shared import stable_diffusion_2
from baselines.shared.images import SCALE_FACTOR, to_batch
from baselines.shared.upstream_code import OnCPU, build_on_meta, load_weights, read_checkpoint
from osediff.common.profiling import ProfiledModule
from osediff.common.settings import Settings

MULTIPLE = 64  # pixels, of the official padding


class Options(Settings):
    """The values under ``settings`` of the descriptor."""

    checkpoint: str
    positive_prompt: str
    negative_prompt: str
    latent_tiled_size: int
    latent_tiled_overlap: int
    encoder_tiled_size: int
    decoder_tiled_size: int


def layout(sources: Path, options: Options) -> dict[str, Contents | str]:
    """Return names and shapes of the official checkpoints, and the files of the backbone, by path."""
    return networks.layout(sources, options.checkpoint)


def profiled_modules(sources: Path, options: Options, size: int) -> Iterator[ProfiledModule]:
    """Yield the networks, on the meta device, as called for an LR image of ``size`` pixels a side.

    The layers that turn the degradation into a matrix for each LoRA are left out (0.6 million parameters).
    """
    from peft import LoraConfig
    from peft.tuners.lora import LoraLayer

    backbone, code = stable_diffusion_2.build(), import_code(sources / "S3Diff")
    trained = []
    for network, rank, layers, name in (
        (backbone.vae, RANK_VAE, VAE_LAYERS, "vae_skip"),
        (backbone.unet, RANK_UNET, UNET_LAYERS, "default"),
    ):
        config = LoraConfig(r=rank, target_modules=layers)
        build_on_meta(partial(network.add_adapter, config, adapter_name=name))
        for layer in network.modules():
            if isinstance(layer, LoraLayer):
                layer.forward, layer.de_mod = MethodType(code.lora_forward, layer), meta(1, rank, rank)
        trained.append(count_trainable(network, ("lora_",)))
    trained[1] += count_trainable(backbone.unet.conv_in)
    side = -(-size * SCALE_FACTOR // MULTIPLE) * MULTIPLE
    estimator = build_on_meta(lambda: code.estimator(num_in_ch=3, num_degradation=2))
    yield ProfiledModule("degradation estimator", estimator.to("meta").eval(), (meta(1, 3, size, size),))
    yield from stable_diffusion_2.profile(backbone, side, 2, (trained[0], trained[1]))


def load(sources: Path, options: Options, device: str, cache: Path) -> Restore:
    """Load the networks and return the function that restores one image."""
    code, weights = import_code(sources / "S3Diff"), sources / "weights"
    estimator = load_weights(
        build_on_meta(lambda: code.estimator(num_in_ch=3, num_degradation=2)),
        read_checkpoint(weights / ESTIMATOR),
        weights / ESTIMATOR,
    ).to(device)
    tiles = {"latent_tiled_size": options.latent_tiled_size, "latent_tiled_overlap": options.latent_tiled_overlap}
    tiles |= {
        "vae_encoder_tiled_size": options.encoder_tiled_size,
        "vae_decoder_tiled_size": options.decoder_tiled_size,
    }

    def context() -> AbstractContextManager[Any]:
        return OnCPU() if device == "cpu" else nullcontext()

    networks.check_checkpoint(weights / options.checkpoint, weights / BASE)  # then the official code reads it
    with context():
        network: Any = code.network(
            lora_rank_unet=RANK_UNET,
            lora_rank_vae=RANK_VAE,
            sd_path=str(weights / BASE),
            pretrained_path=str(weights / options.checkpoint),
            args=SimpleNamespace(**tiles),
        ).to(device)
    network.set_eval()

    @torch.no_grad()
    def restore(lr: np.ndarray, stem: str, seed: int | None) -> np.ndarray:
        batch = to_batch(lr, device)
        height, width = (side * SCALE_FACTOR for side in lr.shape[:2])
        large = functional.interpolate(batch, (height, width), mode="bilinear", align_corners=False)
        padded = functional.pad(
            (large * 2 - 1).clamp(-1, 1), (0, -width % MULTIPLE, 0, -height % MULTIPLE), mode="reflect"
        )
        prompts = {"pos_prompt": [options.positive_prompt], "neg_prompt": [options.negative_prompt]}
        with context():
            sr = network(padded, estimator(batch), **prompts)[:, :, :height, :width]
        picture = to_pil_image((sr * 0.5 + 0.5)[0].cpu())
        return np.asarray(code.color_fix(picture, to_pil_image(large[0].cpu())))

    return restore
