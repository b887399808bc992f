"""Which layers of S3Diff's UNet and VAE have LoRA."""

from __future__ import annotations

import pytest

from baselines.s3diff.networks import choose_unet, choose_vae


@pytest.mark.parametrize(
    ("layer", "adapter"),
    [
        ("down_blocks.0.attentions.1.transformer_blocks.0.attn2.to_out.0", "default"),
        ("up_blocks.0.upsamplers.0.conv", "default"),
        ("conv_out", "default"),
        ("conv_in", None),
        ("mid_block.resnets.0.time_emb_proj", None),
    ],
)
def test_layers_of_the_unet_are_chosen_by_the_ends_of_their_names(layer: str, adapter: str | None) -> None:
    assert choose_unet(layer) == adapter


@pytest.mark.parametrize(
    ("layer", "adapter"),
    [
        ("encoder.conv_in", "vae_skip"),
        ("encoder.mid_block.attentions.0.to_out.0", "vae_skip"),
        ("quant_conv", None),
        ("decoder.conv_in", None),
    ],
)
def test_layers_of_the_vae_are_those_of_its_encoder(layer: str, adapter: str | None) -> None:
    assert choose_vae(layer) == adapter
