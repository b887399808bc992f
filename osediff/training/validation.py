"""A fixed set of pairs on which a training is measured while it runs, and a picture of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from osediff.common.images import write_png
from osediff.data.pairs import VALIDATION_PAIRS, VALIDATION_SEED, TrainingPairs
from osediff.data.photo_list import PhotoList
from osediff.data.tensors import as_image
from osediff.losses.objective import Objective
from osediff.models.sample_rng import SampleRNG
from osediff.recipe import PairRecipe


class Validation:
    """Pairs that no training step sees: crops of the training photographs, cut and degraded by a seed of their own.

    All variants of a recipe's data are measured on the same pairs, with the same noise. Measuring draws none of the
    training's random numbers and changes nothing in it.
    """

    def __init__(self, photos: PhotoList, recipe: PairRecipe, device: torch.device) -> None:
        pairs = TrainingPairs(photos, recipe, VALIDATION_SEED, VALIDATION_PAIRS)
        self.lq, self.hq = (torch.stack([pairs[n][part] for n in range(len(pairs))]).to(device) for part in (0, 1))

    @torch.no_grad()
    def measure(self, objective: Objective, text: Tensor) -> tuple[dict[str, float], Tensor]:
        """Measure PSNR over RGB in dB and the recipe's perceptual distance.

        ``text``: embeddings (N, tokens, channels). One pair at a time, for little memory. Returns the two numbers
        by name, and the restored crops (N, 3, H, W) in [-1, 1].
        """
        count = len(self.lq)
        rngs = [SampleRNG([VALIDATION_SEED + n]) for n in range(count)]
        restored = torch.cat(
            [objective.generator(self.lq[n : n + 1], text[n : n + 1], rngs[n])[0] for n in range(count)]
        )
        errors = ((restored - self.hq) / 2).square().mean((1, 2, 3))
        distances = [float(objective.distance(restored[n : n + 1], self.hq[n : n + 1])) for n in range(count)]
        psnr = -10 * torch.log10(errors.clamp_min(1e-10)).mean()
        return {"validation_psnr": float(psnr), "validation_perceptual": float(np.mean(distances))}, restored

    def picture(self, restored: Tensor, path: Path) -> None:
        """Write LQ, ``restored`` (N, 3, H, W) and HQ side by side, a row for each pair, as PNG."""
        rows = [torch.cat([*images], dim=2) for images in zip(self.lq, restored, self.hq, strict=True)]
        write_png(path, as_image(torch.cat(rows, dim=1)))
