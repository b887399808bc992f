"""The batches of a training: the same pairs and random numbers for all variants of a seed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from osediff.losses.objective import Objective
from osediff.models.sample_rng import SampleRNG
from tests.osediff.tiny import edit, run_training


@pytest.mark.slow
def test_variants_of_one_seed_see_the_same_pairs_noise_and_timesteps(
    photos: Path, backbone_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Common random numbers: what ablations compare differs by the variant, not by luck."""
    seen: list[torch.Tensor] = []

    class Watched(SampleRNG):
        def normal(self, like: torch.Tensor) -> torch.Tensor:
            seen.append(super().normal(like))
            return seen[-1]

        def integers(self, low: int, high: int) -> torch.Tensor:
            seen.append(super().integers(low, high))
            return seen[-1]

    whole = Objective.generator_loss

    def watched(self: Objective, lq: torch.Tensor, hq: torch.Tensor, *rest: Any) -> Any:
        seen.extend([lq, hq])
        return whole(self, lq, hq, *rest)

    monkeypatch.setattr("osediff.training.batches.SampleRNG", Watched)
    monkeypatch.setattr(Objective, "generator_loss", watched)
    streams = []
    changes: dict[str, dict[str, Any]] = {
        "default": {},
        "rank": {"rank_vae": 4, "rank_unet": 8},
        "targets": {"lora_targets": {"vae_decoder": True}},
    }
    for name, change in changes.items():
        seen.clear()
        run_training(edit({"steps": 1} | change), photos, backbone_folder, seed=3, out=tmp_path / name)
        streams.append(list(seen))
    first, *others = streams
    assert len(first) == 7  # LQ, HQ, posterior, then noise and timesteps of both losses of the regularizer
    assert all(len(other) == len(first) and all(map(torch.equal, other, first)) for other in others)
