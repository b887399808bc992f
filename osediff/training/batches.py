"""The batches of a training, step by step, in micro-batches."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from accelerate import Accelerator
from torch import Tensor
from torch.utils.data import DataLoader

from osediff.data.pairs import TrainingPairs
from osediff.data.photo_list import PhotoList
from osediff.models.backbone import PromptEmbedder
from osediff.models.sample_rng import SampleRNG
from osediff.recipe import TrainingSpec
from osediff.training.distributed import micro_batch_size, share


@dataclass
class MicroBatch:
    """N samples of a step that are computed at once on one device."""

    lq: Tensor
    """(N, 3, H, W) in [-1, 1]."""
    hq: Tensor
    """(N, 3, H, W) in [-1, 1]."""
    text: Tensor
    """Embeddings of the prompts (N, tokens, channels)."""
    rng: SampleRNG
    """Random numbers of each sample."""
    weight: float
    """Share of the step's batch, so that losses and gradients are means over the batch."""


class Batches:
    """The part of each step's batch that this process computes, from step ``first`` on.

    Sample n of a training depends only on (seed, n), and not on the process; ``prompts`` has a prompt for each sample.
    """

    def __init__(
        self,
        spec: TrainingSpec,
        photos: PhotoList,
        prompts: list[str],
        embed: PromptEmbedder,
        accelerator: Accelerator,
        first: int,
    ) -> None:
        recipe = spec.recipe
        self.pairs = TrainingPairs(photos, recipe, spec.seed, recipe.steps * recipe.batch)
        self.prompts, self.embed, self.accelerator = prompts, embed, accelerator
        self.seed, self.batch = spec.seed, recipe.batch
        self.size = micro_batch_size(spec.compute.micro_batch, recipe.batch, accelerator)
        order = [n for step in range(first, recipe.steps) for n in share(step, recipe.batch, accelerator)]
        loader = DataLoader(self.pairs, batch_size=self.size, sampler=order, num_workers=spec.compute.workers)
        self.loader: Iterator[list[Tensor]] = iter(loader)

    def of_step(self, step: int) -> Iterator[MicroBatch]:
        """Yield the micro-batches of ``step``; steps must be asked for in order."""
        samples = share(step, self.batch, self.accelerator)
        for start in range(0, len(samples), self.size):
            lq, hq = (images.to(self.accelerator.device) for images in next(self.loader))
            numbers = samples[start : start + self.size]
            rng = SampleRNG([(self.seed << 32) + n for n in numbers])
            yield MicroBatch(lq, hq, self.embed([self.prompts[n] for n in numbers]), rng, len(numbers) / self.batch)

    def photos_of_step(self, step: int) -> tuple[str, ...]:
        """Return the names of the photographs that the whole batch of ``step`` is cut from."""
        return tuple(self.pairs.photo(n) for n in range(step * self.batch, (step + 1) * self.batch))


class MeanLosses:
    """Means of loss terms over a step's batch."""

    def __init__(self, accelerator: Accelerator) -> None:
        self.accelerator = accelerator
        self.sums: dict[str, Tensor] = {}

    def add(self, terms: dict[str, Tensor], weight: float) -> None:
        """Add the mean ``terms`` of a micro-batch that is the part ``weight`` of the batch."""
        for name, value in terms.items():
            self.sums[name] = self.sums.get(name, torch.zeros_like(value.detach())) + value.detach() * weight

    def reduce(self) -> dict[str, float]:
        """Return the means over all processes, by name."""
        means = self.accelerator.reduce(torch.stack([value.float() for value in self.sums.values()]), "sum")
        return dict(zip(self.sums, means.tolist(), strict=True))
