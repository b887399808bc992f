"""The GAN loss of the paper's Table 3: "the GAN loss used in [35]", img2img-turbo's discriminator on frozen features.

Vision-aided GAN (Kumari et al., CVPR 2022) puts small trained heads on a frozen network's features at several depths.
The loss of a head is binary cross-entropy with the real label at 0.8; the sum over heads has the weight 0.5. The paper
does not give its weight. These choices are ours: generator and discriminator steps as for VSD, the sum of the losses of
a step (img2img-turbo takes an optimizer step for each), and no augmentation of the discriminator's input, so that all
variants draw the same random numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from osediff.common.errors import InputError
from osediff.common.weights import CLIP, CLIP_SHA256, CLIP_WEIGHTS, digest, weights_folder
from osediff.models.generator import Generator, upcast_half
from osediff.models.sample_rng import SampleRNG

Features = Callable[[Tensor], list[Tensor]]
REAL = 0.8  # one-sided label smoothing
WIDTH = 256


class Blur(nn.Module):
    """Binomial low-pass filter (1 3 3 1) before subsampling, for any number of channels."""

    kernel: Tensor

    def __init__(self) -> None:
        super().__init__()
        row = torch.tensor([1.0, 3.0, 3.0, 1.0]) / 8
        self.register_buffer("kernel", row[:, None] * row[None, :], persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Filter ``x`` (N, C, H, W); the result is one pixel smaller on each axis."""
        kernel = self.kernel.to(x).expand(x.shape[1], 1, 4, 4)
        return F.conv2d(F.pad(x, (1, 1, 1, 1)), kernel, groups=x.shape[1])


def head(channels: int, spatial: bool) -> nn.Sequential:
    """Build a head that maps one feature to logits: a map (N, C, h, w) to a map of them, a vector (N, C) to one."""
    if not spatial:
        layers = [spectral_norm(nn.Linear(channels, WIDTH)), nn.LeakyReLU(0.2), spectral_norm(nn.Linear(WIDTH, 1))]
        return nn.Sequential(*layers)
    first, last = nn.Conv2d(channels, WIDTH, 3, padding=1), nn.Conv2d(WIDTH, 1, 1, stride=2)
    return nn.Sequential(spectral_norm(first), nn.LeakyReLU(0.2), Blur(), spectral_norm(last))


def rms(level: Tensor) -> Tensor:
    """Return the root mean square of each sample's activations ``level`` (N, C, h, w), as (N, 1, 1, 1)."""
    return level.square().mean((1, 2, 3), keepdim=True).add(1e-8).sqrt()


def encoder_features(generator: Generator) -> Features:
    """Return features of the backbone's frozen encoder: its two deepest levels, and the average of the last.

    Each level has a root mean square of one: the activations of an encoder have any scale, and heads that get values
    of hundreds end in losses of thousands at the first steps.

    They are for the demo, since they need no download. They are not CLIP's features; a GAN loss on them shows that the
    code works.
    """

    def features(image: Tensor) -> list[Tensor]:
        levels = [level / rms(level) for level in generator.encoder_levels(image)]
        return [*levels[-2:], levels[-1].mean((2, 3))]

    return features


def load_clip(folder: Path) -> nn.Module:
    """Load the frozen image half of CLIP ViT-B/32, in float32, from ``folder`` in transformers' layout.

    Raises:
        InputError: its weights are missing, have another sha256, or do not fill the network.
    """
    from transformers import CLIPVisionModelWithProjection, logging

    path = folder / CLIP_WEIGHTS
    for file in (folder / "config.json", path):
        if not file.is_file():
            command = f"python -m osediff.common.artifacts fetch loss-weights --only {CLIP}"
            raise InputError(f"{file}: is not here, and the GAN loss needs it; {command}")
    if digest(path) != CLIP_SHA256:
        raise InputError(f"{path}: is another file than config/loss_weights.yaml says; remove it to fetch it anew")
    options = {"local_files_only": True, "use_safetensors": False, "weights_only": True, "dtype": torch.float32}
    verbosity = logging.get_verbosity()
    logging.set_verbosity_error()  # the file holds the text half too, which would be reported tensor by tensor
    try:
        clip, report = CLIPVisionModelWithProjection.from_pretrained(folder, output_loading_info=True, **options)
    finally:
        logging.set_verbosity(verbosity)
    unfilled = sorted({*report["missing_keys"], *(str(key[0]) for key in report["mismatched_keys"])})
    if unfilled:  # transformers has filled them with random numbers
        raise InputError(f"{path}: does not fill {unfilled[0]} ({len(unfilled)} tensors); fetch it again")
    network: nn.Module = clip.requires_grad_(False).eval()
    return network


def clip_features(generator: Generator) -> Features:
    """Return features of CLIP ViT-B/32, the three that img2img-turbo uses.

    They are the tokens after blocks 4 and 8 as maps (N, 768, 7, 7), and the projected embedding (N, 512).
    Images (N, 3, H, W) in [-1, 1] are reduced to 224 pixels by averaging. Nothing is downloaded.

    Raises:
        InputError: its weights are missing or have another sha256.
    """
    device = next(generator.backbone.unet.parameters()).device
    clip = load_clip(weights_folder() / CLIP).to(device)
    mean = torch.tensor([0.48145466, 0.4578275, 0.40821073], device=device)[:, None, None]
    std = torch.tensor([0.26862954, 0.26130258, 0.27577711], device=device)[:, None, None]

    def features(image: Tensor) -> list[Tensor]:
        small = F.interpolate(image / 2 + 0.5, size=(224, 224), mode="area")
        output = clip((small - mean) / std, output_hidden_states=True)
        maps = [output.hidden_states[depth][:, 1:].transpose(1, 2).unflatten(2, (7, 7)) for depth in (4, 8)]
        return [*maps, output.image_embeds]

    return features


KINDS: dict[str, Callable[[Generator], Features]] = {"encoder": encoder_features, "clip": clip_features}


class GAN:
    """A discriminator between restored and true images, on the frozen features that ``discriminator`` names (KINDS)."""

    name, critic_name = "gan", "discriminator"  # of the two losses in the log

    def __init__(self, generator: Generator, discriminator: Literal["encoder", "clip"]) -> None:
        self.features = KINDS[discriminator](generator)
        like = next(generator.backbone.vae.parameters())
        with torch.no_grad():
            probe = self.features(torch.zeros(1, 3, 64, 64).to(like))
        self.heads = nn.ModuleList(head(feature.shape[1], feature.ndim == 4) for feature in probe).to(like.device)

    def parameters(self) -> dict[str, nn.Parameter]:
        """Return the heads' weights by name; only ``critic_loss`` trains them."""
        return dict(self.heads.named_parameters())

    def buffers(self) -> dict[str, Tensor]:
        """Return tensors that a training state holds besides parameters: the vectors of the spectral norm."""
        return dict(self.heads.named_buffers())

    def critic_input(self, restored: Tensor, latent: Tensor) -> Tensor:
        """Return the input of the discriminator: the ``restored`` image (N, 3, H, W)."""
        return restored

    def cross_entropy(self, image: Tensor, label: float) -> Tensor:
        """Return the cross-entropy of ``image`` (N, 3, H, W) and ``label``: mean over positions, sum over heads."""
        logits = [
            upcast_half(of_head(feature)) for of_head, feature in zip(self.heads, self.features(image), strict=True)
        ]
        return torch.stack([F.binary_cross_entropy_with_logits(x, torch.full_like(x, label)) for x in logits]).sum()

    def loss(self, critic_input: Tensor, text: Tensor, negative_embeds: Tensor, rng: SampleRNG) -> Tensor:
        """Return the cross-entropy of the restored images with the label of true images; embeddings are not used."""
        self.heads.requires_grad_(False)
        try:
            return self.cross_entropy(critic_input, REAL)
        finally:
            self.heads.requires_grad_(True)

    def critic_loss(self, critic_input: Tensor, hq: Tensor, text: Tensor, rng: SampleRNG) -> Tensor:
        """Return the discriminator's loss on restored images and on true ones ``hq``, both (N, 3, H, W)."""
        return self.cross_entropy(hq, REAL) + self.cross_entropy(critic_input.detach(), 0.0)
