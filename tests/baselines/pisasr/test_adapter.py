"""Which layers of PiSA-SR's UNet have LoRA, and in which adapter."""

from __future__ import annotations

import pytest

from baselines.pisasr.adapter import name_adapter


@pytest.mark.parametrize(
    ("layer", "adapter"),
    [
        ("conv_in", "default_encoder_pix"),
        ("down_blocks.0.attentions.1.transformer_blocks.0.attn2.to_out.0", "default_encoder_pix"),
        ("mid_block.resnets.0.conv1", "default_others_pix"),
        ("up_blocks.3.attentions.0.transformer_blocks.0.ff.net.0.proj", "default_decoder_pix"),
        ("conv_out", "default_decoder_pix"),
        ("conv_norm_out", None),
        ("down_blocks.0.resnets.0.time_emb_proj", None),
        ("time_embedding.linear_1", None),
    ],
)
def test_a_layer_belongs_to_the_adapter_of_its_part(layer: str, adapter: str | None) -> None:
    assert name_adapter("pix", layer) == adapter
