"""Convolutions as matrix products: the same numbers and gradients, and when they are used."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from osediff import convolution
from osediff.convolution import FewPositions, use_products


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("batch", [1, 3])
def test_the_same_convolution(batch: int, stride: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(convolution, "WEIGHTS", 0)
    torch.manual_seed(0)
    plain = nn.Conv2d(6, 10, (3, 5), stride=stride, padding=(1, 2), dtype=torch.float64)
    other = nn.Conv2d(6, 10, (3, 5), stride=stride, padding=(1, 2), dtype=torch.float64)
    other.load_state_dict(plain.state_dict())
    use_products(other)
    monkeypatch.setattr(nn.Conv2d, "forward", lambda *_: pytest.fail("not by a product"))
    x = torch.randn(batch, 6, 5, 7, dtype=torch.float64, requires_grad=True)
    made = other(x)
    made.square().sum().backward()
    monkeypatch.undo()

    twin = x.detach().clone().requires_grad_(True)
    expected = plain(twin)
    expected.square().sum().backward()
    assert torch.allclose(made, expected, rtol=1e-12)
    for mine, theirs in ((x, twin), (other.weight, plain.weight), (other.bias, plain.bias)):
        assert torch.allclose(mine.grad, theirs.grad, rtol=1e-12)


def test_only_convolutions_with_many_weights_and_few_positions_change(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(convolution, "WEIGHTS", 500)
    few, many, grouped = nn.Conv2d(4, 4, 3), nn.Conv2d(16, 16, 3), nn.Conv2d(32, 32, 3, groups=2)
    network = nn.Sequential(few, many, grouped)
    names = list(network.state_dict())
    use_products(network)
    assert [type(layer) for layer in network] == [nn.Conv2d, FewPositions, nn.Conv2d]
    assert list(network.state_dict()) == names
    x = torch.randn(1, 16, 40, 40)  # above POSITIONS: torch's own, to the bit
    assert torch.equal(many(x), nn.functional.conv2d(x, many.weight, many.bias))
