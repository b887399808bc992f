"""A checkout of InvSR with classes of a few lines, and the weights of a predictor with one number."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import diffusers
import pytest
import torch
from diffusers.models.autoencoders import vae
from torch import nn

from baselines.invsr import adapter
from baselines.shared import stable_diffusion_2

FILES = {
    "src/diffusers/schedulers/scheduling_euler_discrete.py": """
        class EulerDiscreteScheduler:
            @classmethod
            def from_pretrained(cls, folder, local_files_only):
                return f"scheduler of {folder.parent.name}"
    """,
    "src/diffusers/models/autoencoders/vae.py": "class TimeAwareEncoder: pass",
    "src/diffusers/models/autoencoders/autoencoder_kl.py": """
        import torch
        from .vae import TimeAwareEncoder

        class NoisePredictor(torch.nn.Module):
            def __init__(self, width):
                super().__init__()
                self.kind, self.encoder = TimeAwareEncoder, torch.nn.Linear(width, 1)
    """,
    "src/diffusers/pipelines/stable_diffusion/pipeline_stable_diffusion_inversion_sr.py": """
        import torch
        from ...utils import BaseOutput

        class StableDiffusionInvEnhancePipeline:
            def __init__(self, vae, text_encoder, unet, tokenizer, scheduler, **none):
                self.vae, self.parts = vae, (text_encoder, unet, tokenizer, scheduler)

            def set_progress_bar_config(self, disable):
                pass

            def __call__(self, image, **options):
                return image, options
    """,
    "sampler_invsr.py": """
        import torch
        from datapipe.datasets import create_dataset
        from diffusers import StableDiffusionInvEnhancePipeline
        from loguru import logger

        class InvSamplerSR:
            def sample_func(self, image):
                self.called = self.sd_pipe(image=image.half(), timesteps=self.configs.timesteps)
                InvSamplerSR.latest = self
                return image.permute(0, 2, 3, 1).repeat_interleave(4, 1).repeat_interleave(4, 2).numpy()
    """,
    "configs/sample-sd-turbo.yaml": """
        {basesr: {sf: 4, chopping: {pch_size: 1, weight_type: Gaussian}}, tiled_vae: null, color_fix: null,
         latent_tiled_size: 128, sample_tiled_size: 1024, model_start: {params: {width: 3}}}
    """,
}


class VAE(nn.Linear):
    """One number, and what the adapter sets."""

    dtype = torch.float32
    tiled = False

    def enable_tiling(self) -> None:
        """Note the call."""
        self.tiled = True


@pytest.fixture
def options() -> adapter.Options:
    """The settings of the descriptor."""
    tiles = {"chopping_size": 128, "chopping_bs": 8}
    return adapter.Options(checkpoint="noise.pth", timestep=200, **tiles, tiled_vae=True, color_fix="none")


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stand_in: object) -> Iterator[Path]:
    """A folder with the checkout and its weights. Afterwards, the modules of the checkout are forgotten."""
    for name, text in FILES.items():
        path = tmp_path / "InvSR" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(line[8:] if line[:8].isspace() else line for line in text.splitlines()))
    (tmp_path / "weights").mkdir()
    torch.save(
        {"state_dict": {"encoder.weight": torch.ones(1, 3), "encoder.bias": torch.ones(1)}},
        tmp_path / "weights" / "noise.pth",
    )

    def load(folder: Path) -> tuple[Any, stable_diffusion_2.Backbone]:
        text_encoder, unet = nn.Linear(1, 1), nn.Linear(1, 1)
        return "tokenizer", stable_diffusion_2.Backbone(text_encoder, VAE(1, 1), unet)

    monkeypatch.setattr(stable_diffusion_2, "load", load)
    monkeypatch.setattr(vae, "TimeAwareEncoder", None, raising=False)
    monkeypatch.setattr(diffusers, "StableDiffusionInvEnhancePipeline", None, raising=False)
    yield tmp_path
    for name in [*sys.modules]:
        if ".invsr_" in name or name == "sampler_invsr":
            del sys.modules[name]
