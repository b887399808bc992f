"""Names of adapters: their file, the UNet's roles, and the groups of layers. This module does not import torch."""

from __future__ import annotations

ADAPTERS = "adapters.safetensors"

GENERATOR = "generator"
REGULARIZER = "regularizer"
TEACHER = "teacher"

UNET_GROUPS = {"down": ("down_blocks.", "conv_in"), "mid": ("mid_block.",), "up": ("up_blocks.", "conv_out")}
VAE_GROUPS = {"encoder": ("encoder.", "quant_conv"), "decoder": ("decoder.", "post_quant_conv")}
