"""RAM at a size for tests, under the names of the official checkpoint."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from osediff.prompts import ram

SIZES: dict[str, Any] = {
    "image": 64,
    "tags": 5,
    "embedding": 8,
    "width": 16,
    "feed_forward": 32,
    "heads": 2,
    "layers": 2,
    "swin": {"embed_dim": 8, "depths": (2, 2), "num_heads": (2, 2), "window_size": 4},
}


def official(model: ram.RAM) -> dict[str, Tensor]:
    """``model`` under the names of the official checkpoint, with what tagging leaves out."""
    ours = {v: k for k, v in ram.names(SIZES["layers"], 2).items() if not v.endswith(".0.") and not v.endswith(".1.")}
    tensors = {}
    for name, tensor in model.state_dict().items():
        head = next((prefix for prefix in ours if name.startswith(prefix)), None)
        if head:
            name = ours[head] + name.removeprefix(head)
        elif name.startswith("tagging_head."):
            layer, rest = name.removeprefix("tagging_head.").split(".", 1)
            name = f"tagging_head.encoder.layer.{layer}.crossattention.self.{rest}"
        tensors[name] = tensor.clone()
    tensors["tag_encoder.embeddings.word_embeddings.weight"] = torch.zeros(2, 2)
    tensors["visual_encoder.layers.0.blocks.1.attn_mask"] = torch.zeros(2)
    return tensors
