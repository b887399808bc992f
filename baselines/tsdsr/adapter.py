"""TSD-SR: Stable Diffusion 3 with the LoRA of transformer and VAE, through the functions of the official script.

The script keeps its networks in global variables, which are set here. The prompt is fixed: the authors publish its
embeddings, so no text encoder is needed.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torchvision.transforms.v2.functional import to_pil_image

from baselines.runner.adapters import Contents, Restore
from baselines.runner.profiling import meta
from baselines.shared.images import SCALE_FACTOR, least_size, to_batch
from baselines.shared.lora import check_lora, lora_layout, merge_lora
from baselines.shared.stable_diffusion import diffusers_files
from baselines.shared.upstream_code import build_on_meta, import_file, make_importable, read_checkpoint
from osediff.common.errors import InputError
from osediff.common.profiling import ProfiledModule, method_module
from osediff.common.settings import Settings
from osediff.common.tensor_files import read_pickled

BASE = "stable-diffusion-3-medium"
# The configuration files of Stable Diffusion 3 medium, without values that are the defaults of the classes.
TRANSFORMER: dict[str, Any] = {"sample_size": 128, "num_layers": 24, "num_attention_heads": 24}
TRANSFORMER |= {"joint_attention_dim": 4096, "caption_projection_dim": 1536, "pooled_projection_dim": 2048}
TRANSFORMER |= {"out_channels": 16, "pos_embed_max_size": 192}
VAE: dict[str, Any] = {"block_out_channels": [128, 256, 512, 512], "layers_per_block": 2, "sample_size": 1024}
VAE |= {"down_block_types": ["DownEncoderBlock2D"] * 4, "up_block_types": ["UpDecoderBlock2D"] * 4}
VAE |= {"latent_channels": 16, "scaling_factor": 1.5305, "shift_factor": 0.0609}
VAE |= {"use_quant_conv": False, "use_post_quant_conv": False}
# Ends of the names of the layers with LoRA, of the official script; in the VAE, it is every layer of the encoder.
ENDS = (".to_k", ".to_q", ".to_v", ".to_out.0", ".add_q_proj", ".add_k_proj", ".add_v_proj", ".proj", ".linear")
ENDS += (".proj_out",)
PREFIX, RANK, TOKENS = "transformer.", 64, 333  # the first: of the names in both files of LoRA


class Options(Settings):
    """The values under ``settings`` of the descriptor."""

    lora: str
    embeddings: str
    """Folders below weights/ of the sources."""
    process_size: int
    """Least length of the short side of the upsampled image, in pixels."""
    latent_tiled_size: int
    latent_tiled_overlap: int


def build_networks(checkout: Path) -> tuple[Any, Any]:
    """Build transformer and VAE, without weights; the VAE is a class of the repository."""
    from diffusers import SD3Transformer2DModel

    make_importable(checkout)
    vae = importlib.import_module("models.autoencoder_kl").AutoencoderKL
    return build_on_meta(lambda: SD3Transformer2DModel(**TRANSFORMER)), build_on_meta(lambda: vae(**VAE))


def lay_out_lora(part: str, network: nn.Module) -> dict[str, Tensor]:
    """Return names and shapes of the official LoRA of a ``network``, whose ``part`` is transformer or vae."""

    def choose(layer: str) -> str | None:
        chosen = f".{layer}".endswith(ENDS) if part == "transformer" else layer.startswith("encoder.")
        return "" if chosen else None

    return {f"{PREFIX}{name}": value for name, value in lora_layout(network, RANK, choose).items()}


def layout(sources: Path, options: Options) -> dict[str, Contents | Tensor | str]:
    """Return names and shapes of the official checkpoints, and the files of the backbone, by path."""
    transformer, vae = build_networks(sources / "TSD-SR")
    networks = {"transformer": transformer, "vae": vae}
    return {
        **diffusers_files({f"{BASE}/{part}": network for part, network in networks.items()}),
        **{f"{options.lora}/{part}.safetensors": lay_out_lora(part, network) for part, network in networks.items()},
        f"{options.embeddings}/prompt_embeds.pt": meta(1, TOKENS, transformer.config.joint_attention_dim),
        f"{options.embeddings}/pool_embeds.pt": meta(1, transformer.config.pooled_projection_dim),
    }


def profiled_modules(sources: Path, options: Options, size: int) -> Iterator[ProfiledModule]:
    """Yield the networks, on the meta device, as called for an LR image of ``size`` pixels a side."""
    transformer, vae = (network.to("meta") for network in build_networks(sources / "TSD-SR"))
    files = layout(sources, options)
    trained = {
        name: sum(value.numel() for value in files[f"{options.lora}/{name}.safetensors"].values())
        for name in ("transformer", "vae")
    }
    side = max(size * SCALE_FACTOR, options.process_size) // 8 * 8
    latent = meta(1, 16, side // 8, side // 8)
    call = (latent, meta(1, TOKENS, 4096), meta(1, 2048), meta(1))
    encoder, decoder = method_module(vae, "encode", [vae.encoder]), method_module(vae, "decode", [vae.decoder])
    yield ProfiledModule("VAE encoder", encoder, (meta(1, 3, side, side),), trainable=trained["vae"])
    yield ProfiledModule("transformer", transformer, call, {"return_dict": False}, 1, trained["transformer"])
    yield ProfiledModule("VAE decoder", decoder, (latent,))


def find_size(lr: np.ndarray, process_size: int) -> tuple[int, int]:
    """Return height and width of the upsampled image: 4x, the short side at least ``process_size``, multiples of 8."""
    height, width = least_size((lr.shape[0], lr.shape[1]), process_size)
    return height * SCALE_FACTOR // 8 * 8, width * SCALE_FACTOR // 8 * 8


def read_embedding(path: Path, axes: int, width: int) -> Tensor:
    """Read the embedding of one prompt, with ``width`` values in its last axis; InputError if the file is another."""
    content = read_pickled(path)
    if not isinstance(content, Tensor) or content.ndim != axes or (len(content), content.shape[-1]) != (1, width):
        raise InputError(f"{path}: holds no embedding of one prompt for this network; get it anew")
    return content


def load(sources: Path, options: Options, device: str, cache: Path) -> Restore:
    """Load the networks and return the function that restores one image."""
    from diffusers import SD3Transformer2DModel

    checkout, weights = make_importable(sources / "TSD-SR"), sources / "weights"
    script = import_file("test_tsdsr", checkout / "test" / "test_tsdsr.py")  # ``test`` is a package of Python
    dtype = torch.float32 if device == "cpu" else torch.float16
    for name, network_class in (("transformer", SD3Transformer2DModel), ("vae", script.AutoencoderKL)):
        network = network_class.from_pretrained(weights / BASE / name, torch_dtype=torch.float32, local_files_only=True)
        path = weights / options.lora / f"{name}.safetensors"
        lora = read_checkpoint(path)
        check_lora(lora, lay_out_lora(name, network), path)
        merge_lora(network, {key.removeprefix(PREFIX): value for key, value in lora.items()}, path)
        setattr(script, name, network.to(device, dtype).eval().requires_grad_(False))
    folder, sizes = weights / options.embeddings, script.transformer.config
    prompt = read_embedding(folder / "prompt_embeds.pt", 3, sizes.joint_attention_dim)
    pooled = read_embedding(folder / "pool_embeds.pt", 2, sizes.pooled_projection_dim)
    script.prompt_embeds, script.pooled_prompt_embeds = prompt.to(device, dtype), pooled.to(device, dtype)
    script.timesteps, script.weight_dtype = torch.tensor([1000.0], device=device, dtype=dtype), dtype
    tiles = {"latent_tiled_size": options.latent_tiled_size, "latent_tiled_overlap": options.latent_tiled_overlap}
    script.args = SimpleNamespace(device=device, **tiles)

    @torch.no_grad()
    def restore(lr: np.ndarray, stem: str, seed: int | None) -> np.ndarray:
        sr = script.main(script.args, to_batch(lr, device, dtype), find_size(lr, options.process_size))
        picture = to_pil_image(sr.cpu() / 2 + 0.5)
        picture = picture.resize((lr.shape[1] * SCALE_FACTOR, lr.shape[0] * SCALE_FACTOR))
        return np.asarray(script.adain_color_fix(target=picture, source=Image.fromarray(lr)))

    return restore
