"""What the tests of the demo's backbone share."""

from __future__ import annotations

import pytest
from torch import Tensor

from osediff.demo_backbone import stages


@pytest.fixture(autouse=True)
def _no_vgg(monkeypatch: pytest.MonkeyPatch) -> None:
    """The perceptual loss without its 59 MB of weights."""

    def distance(restored: Tensor, target: Tensor) -> Tensor:
        return (restored - target).square().mean()

    monkeypatch.setattr(stages, "load_lpips_vgg", lambda device: distance)
