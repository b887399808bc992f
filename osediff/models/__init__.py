"""Networks: the backbone, the one-step generator, LoRA, tiles."""
