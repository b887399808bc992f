"""Which timesteps the denoiser learns."""

from __future__ import annotations

import pytest
import torch

from osediff.demo_backbone.losses import draw_timesteps


def test_late_timesteps_are_drawn_more_often() -> None:
    drawn = draw_timesteps(4000, 1000, 0.5, torch.Generator().manual_seed(0))
    assert 0 <= int(drawn.min()) < 20 and 980 < int(drawn.max()) < 1000
    assert float((drawn >= 666).float().mean()) == pytest.approx(0.5 + 0.5 / 3, abs=0.03)
