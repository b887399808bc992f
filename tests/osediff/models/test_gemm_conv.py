"""Convolutions as matrix products: the same numbers and gradients, and when they are used."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from osediff.models import gemm_conv as convolution
from osediff.models.gemm_conv import GemmConv2d, use_gemm_convolutions
from tests.osediff.tiny import make_generator


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("batch", [1, 3])
def test_the_same_convolution(batch: int, stride: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(convolution, "MIN_WEIGHTS", 0)
    torch.manual_seed(0)
    plain = nn.Conv2d(6, 10, (3, 5), stride=stride, padding=(1, 2), dtype=torch.float64)
    other = nn.Conv2d(6, 10, (3, 5), stride=stride, padding=(1, 2), dtype=torch.float64)
    other.load_state_dict(plain.state_dict())
    use_gemm_convolutions(other)
    monkeypatch.setattr(nn.Conv2d, "forward", lambda *_: pytest.fail("not by a product"))
    x = torch.randn(batch, 6, 5, 7, dtype=torch.float64, requires_grad=True)
    product = other(x)
    product.square().sum().backward()
    monkeypatch.undo()

    x_again = x.detach().clone().requires_grad_(True)
    expected = plain(x_again)
    expected.square().sum().backward()
    assert torch.allclose(product, expected, rtol=1e-12)
    assert other.bias is not None and plain.bias is not None
    for one, reference in ((x, x_again), (other.weight, plain.weight), (other.bias, plain.bias)):
        assert one.grad is not None and reference.grad is not None
        assert torch.allclose(one.grad, reference.grad, rtol=1e-12)


def test_only_convolutions_with_many_weights_and_few_positions_change(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(convolution, "MIN_WEIGHTS", 500)
    few, many, grouped = nn.Conv2d(4, 4, 3), nn.Conv2d(16, 16, 3), nn.Conv2d(32, 32, 3, groups=2)
    network = nn.Sequential(few, many, grouped)
    names = list(network.state_dict())
    use_gemm_convolutions(network)
    assert [type(layer) for layer in network] == [nn.Conv2d, GemmConv2d, nn.Conv2d]
    assert list(network.state_dict()) == names
    x = torch.randn(1, 16, 40, 40)  # above MAX_POSITIONS: torch's own, to the bit
    assert torch.equal(many(x), nn.functional.conv2d(x, many.weight, many.bias))


@pytest.mark.parametrize("merged", [False, True])
def test_a_generator_makes_the_same_image_with_them(
    merged: bool, backbone_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image, text = torch.rand(2, 3, 32, 32) * 2 - 1, torch.randn(2, 5, 16)
    images, used = [], []
    for weights in (convolution.MIN_WEIGHTS, 100):
        monkeypatch.setattr(convolution, "MIN_WEIGHTS", weights)
        generator = make_generator(backbone_folder, merged)
        with torch.no_grad():
            images.append(generator(image, text)[0])
        used.append(any(isinstance(layer, GemmConv2d) for layer in generator.backbone.unet.modules()))
    assert used == [False, True]
    assert torch.allclose(images[0], images[1], atol=1e-4)
