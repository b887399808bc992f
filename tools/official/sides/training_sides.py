"""The inputs of both sides of a comparison of training steps, and their separate processes.

The file that they read holds one batch, the adapters' weights by our names and by the official code's, and the noise
and timesteps of a step. LPIPS is the package ``lpips`` there (which the official script imports; ``pip install
--no-deps lpips``) and pyiqa's here, both with that package's linear layers on one VGG16, our lpips-vgg.safetensors.
"""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
import yaml
from safetensors.torch import load_file
from torch import Tensor
from torchvision.models import vgg16

from osediff.common.settings import parse
from osediff.common.weights import LPIPS_VGG, find
from osediff.losses.objective import regularizer_scope
from osediff.models import backbone as backbones
from osediff.models.adapter_names import REGULARIZER
from osediff.models.generator import Generator
from osediff.recipe import Recipe
from tools.official.sides.official_format import official_name
from tools.official.sides.our_training import parameters_of

HERE = Path(__file__).parent
NEGATIVE = "painting, oil painting, illustration, blurring, dirty, messy, worst quality, low quality, jpeg artifacts"

# Our names of losses, theirs, and the weight that theirs are multiplied by already.
LOSSES = {
    "mse": ("loss_l2", 1.0),
    "perceptual": ("loss_lpips", 2.0),
    "vsd": ("loss_kl", 1.0),
    "diffusion": ("loss_d", 1.0),
}


def recipe(lora_scope: str, batch: int) -> Recipe:
    """The paper's recipe with the official script's losses; the regularizer adapts all layers or the mid-block."""
    root = HERE.parents[2] / "config"
    content = yaml.safe_load((root / "variants.yaml").read_text())["bases"]["paper"]
    degradation = yaml.safe_load((root / "degradations.yaml").read_text())[content["degradation"]]
    loss = content["loss"] | {"regularizer": content["loss"]["regularizer"] | {"lora_scope": lora_scope}}
    content |= {"degradation": degradation, "loss": loss, "batch": batch}
    return parse(
        {key: content[key] for key in content.keys() & Recipe.model_fields.keys()}, Recipe, "the paper's recipe"
    )


def network(name: str) -> str:
    """Return the official code's network of our parameter ``name``: unet, vae or regularizer."""
    return "regularizer" if f".{REGULARIZER}." in name else name.partition(".")[0]


def to_official_names(weights: dict[str, Tensor]) -> dict[str, dict[str, Tensor]]:
    """Return ``weights`` by network and by the official code's names."""
    by_network: dict[str, dict[str, Tensor]] = {"unet": {}, "vae": {}, "regularizer": {}}
    for name, weight in weights.items():
        by_network[network(name)][official_name(name)] = weight
    return by_network


def given(backbone: Path, crop: int, batch: int, trains: str, size: float = 0.02) -> dict[str, Any]:
    """Return the inputs of both sides: smooth random pairs of ``crop`` pixels, LoRA with deviation ``size``."""
    settings = recipe(trains, batch)
    model = backbones.load(backbone)
    generator = Generator(model, settings, regularizer_scope(settings.loss))
    random = torch.Generator().manual_seed(1)
    weights = {
        name: size * torch.randn(p.shape, generator=random) if ".lora_" in name else p.detach().clone()
        for name, p in parameters_of(generator).items()
    }
    coarse = torch.randn((2, batch, 3, crop // 8, crop // 8), generator=random)
    lq, hq = (torch.nn.functional.interpolate(x, (crop, crop), mode="bicubic").clamp(-1, 1) for x in coarse)
    latent = (batch, model.unet.config.in_channels, crop // generator.factor, crop // generator.factor)
    return {
        "recipe": settings.model_dump(mode="json"),
        "trains": trains,
        "learning_rate": 5e-5,
        "weights": weights,
        "official": to_official_names(weights),
        "lq": lq,
        "hq": hq,
        "normals": [torch.randn(latent, generator=random) for _ in range(3)],
        "timesteps": [torch.randint(*span, (batch,), generator=random) for span in ((20, 980), (0, 1000))],
        "prompts": [f"photograph, number {n}" for n in range(batch)],
        "negative_prompt": NEGATIVE,
    }


def perceptual_weights(work: Path) -> dict[str, str]:
    """Return the environment in which torchvision and our loss find one VGG16: that of lpips-vgg.safetensors."""
    source = find(LPIPS_VGG)
    if find_spec("lpips") is None or source is None:
        fetch = "python -m osediff.common.artifacts fetch metric-weights --only lpips-vgg"
        raise SystemExit(f"error: both sides need lpips and its weights; pip install --no-deps lpips; {fetch}")
    home = work / "torch_home"
    trunk = home / "hub" / "checkpoints" / "vgg16-397923af.pth"
    if not trunk.exists():
        trunk.parent.mkdir(parents=True, exist_ok=True)
        features = {name: weight for name, weight in load_file(source).items() if name.startswith("features.")}
        torch.save(vgg16(weights=None).state_dict() | features, trunk)
    return {"TORCH_HOME": str(home), "BENCHMARK_WEIGHTS": str(source.parent)}


def run(side: str, work: Path, out: str, **options: Any) -> dict[str, Any]:
    """Run the process of ``side`` (ours or official) with ``options``; return its results. Its log is in ``work``."""
    script = ["-m", "tools.official.sides.our_training"] if side == "ours" else [str(HERE / "official_training.py")]
    line = [sys.executable, *script, "--out", str(work / f"{out}.pt")]
    for name, value in options.items():
        flag = f"--{name.replace('_', '-')}"
        line += [flag] if value is True else [] if value is False else [flag, str(value)]
    environment = os.environ | perceptual_weights(work) | {"HF_HUB_OFFLINE": "1"}
    with (work / f"{out}.log").open("w") as log:
        code = subprocess.call(line, env=environment, stdout=log, stderr=log)
    if code:
        raise SystemExit(f"error: {side} ended with {code}; see {work / out}.log")
    return dict(torch.load(work / f"{out}.pt", weights_only=True))
