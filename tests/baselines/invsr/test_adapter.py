"""What InvSR's adapter gives the official sampler, and takes from it."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from baselines.invsr import adapter
from osediff.common.errors import InputError


def test_the_official_sampler_restores_with_the_settings_of_the_descriptor(
    sources: Path, options: adapter.Options
) -> None:
    restore = adapter.load(sources, options, "cpu", sources / "cache")
    lr = np.random.default_rng(0).integers(0, 256, (10, 7, 3), np.uint8)
    assert np.array_equal(restore(lr, "a", 7), lr.repeat(4, axis=0).repeat(4, axis=1))
    sampler = sys.modules["sampler_invsr"].InvSamplerSR.latest
    chopping = sampler.configs.basesr.chopping
    assert (chopping.pch_size, chopping.extra_bs, chopping.weight_type) == (128, 8, "Gaussian")
    assert sampler.configs.timesteps == [200] and not sampler.configs.color_fix
    pipeline, vae = sampler.sd_pipe, sampler.sd_pipe.vae
    assert pipeline.parts[2:] == ("tokenizer", "scheduler of sd-turbo")
    assert (vae.tiled, vae.tile_latent_min_size, vae.tile_sample_min_size) == (True, 128, 1024)
    assert pipeline.start_noise_predictor.encoder.weight.tolist() == [[1, 1, 1]]
    image, called = sampler.called
    assert image.dtype == torch.float32 and called == {"timesteps": [200]}
    assert torch.equal(image, image.half().float())  # rounded as in the official script


def test_the_predictor_gets_the_encoder_of_the_repository(sources: Path, options: adapter.Options) -> None:
    predictor = adapter.build_predictor(sources / "InvSR", options)
    assert predictor.kind.__module__ == "diffusers.models.autoencoders.invsr_vae"


def test_a_checkpoint_of_another_network_is_one_line(sources: Path, options: adapter.Options) -> None:
    torch.save({"encoder.weight": torch.ones(1, 3)}, sources / "weights" / "noise.pth")
    with pytest.raises(InputError, match=r"noise.pth: encoder.bias is not in it; this is a checkpoint of another"):
        adapter.load(sources, options, "cpu", sources / "cache")


@pytest.mark.usefixtures("tiny_stable_diffusion_2")
@pytest.mark.parametrize(("size", "tiles"), [(100, 1), (128, 1), (129, 4), (256, 9), (300, 16)])
def test_every_network_is_counted_for_every_tile(
    sources: Path, options: adapter.Options, size: int, tiles: int
) -> None:
    networks = list(adapter.profiled_modules(sources, options, size))
    names = ["noise predictor", "text encoder", "VAE encoder", "UNet", "VAE decoder"]
    assert [(network.name, network.calls) for network in networks] == [(name, tiles) for name in names]
    assert [network.trainable for network in networks] == [4, 0, 0, 0, 0]
