"""Linear layers by oneDNN: the same numbers and gradients, and when they are used."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from osediff.common import products
from osediff.common.products import OneDNNLinear, multiply, use_onednn_products
from osediff.models import backbone as backbones
from osediff.models.attention import SlicedAttention, use_sliced_attention
from osediff.models.gemm_conv import GemmConv2d, use_gemm_convolutions
from tests.helpers import ROOT
from tests.osediff.tiny import make_generator


@pytest.mark.parametrize("shape", [(7, 24), (2, 5, 24), (2, 3, 5, 24)])
@pytest.mark.parametrize("frozen", [False, True])
@pytest.mark.parametrize("has_bias", [False, True])
def test_the_same_product_and_gradients(shape: tuple[int, ...], frozen: bool, has_bias: bool) -> None:
    torch.manual_seed(0)
    given = [torch.randn(shape), torch.randn(40, 24), *([torch.randn(40)] if has_bias else [])]
    trained = [True, not frozen, not frozen]
    ours = [x.clone().requires_grad_(needed) for x, needed in zip(given, trained, strict=False)]
    reference = [x.double().requires_grad_(needed) for x, needed in zip(given, trained, strict=False)]
    product, expected = multiply(*ours), F.linear(*reference)
    assert "Product" in str(product.grad_fn)
    assert torch.allclose(product.double(), expected, atol=2e-5)
    torch.autograd.backward(product.square().sum())
    torch.autograd.backward(expected.square().sum())
    for one, other in zip(ours, reference, strict=True):
        assert (one.grad is None) == (other.grad is None)
        if one.grad is not None and other.grad is not None:
            assert torch.allclose(one.grad.double(), other.grad, rtol=1e-5, atol=1e-3)


def test_other_precisions_are_those_of_torch() -> None:
    x, weight = torch.randn(7, 24), torch.randn(40, 24)
    assert torch.equal(multiply(x.bfloat16(), weight.bfloat16()), F.linear(x.bfloat16(), weight.bfloat16()))
    assert torch.equal(multiply(x.double(), weight.double()), F.linear(x.double(), weight.double()))
    with torch.autocast("cpu", torch.bfloat16):
        assert multiply(x, weight).dtype == torch.bfloat16


def test_only_wide_layers_change() -> None:
    wide, narrow, of_time = nn.Linear(320, 400), nn.Linear(640, 160), nn.Linear(384, 384)
    network = nn.ModuleDict({"wide": wide, "narrow": narrow, "time_embedding": of_time})
    names = list(network.state_dict())
    use_onednn_products(network)
    assert [type(wide), type(narrow), type(of_time)] == [OneDNNLinear, nn.Linear, nn.Linear]
    assert list(network.state_dict()) == names


def test_the_demo_backbone_keeps_the_bits_of_torch() -> None:
    backbone = backbones.load(ROOT / "backbones/demo")
    for network in (backbone.vae, backbone.unet, backbone.text_encoder):
        use_onednn_products(network)
        use_gemm_convolutions(network)
        use_sliced_attention(network)
        for name, module in network.named_modules():
            assert not isinstance(module, OneDNNLinear | GemmConv2d), name
            assert not isinstance(getattr(module, "processor", None), SlicedAttention), name


@pytest.mark.parametrize("merged", [False, True])
def test_a_generator_makes_the_same_image_with_them(
    merged: bool, backbone_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image, text = torch.rand(2, 3, 32, 32) * 2 - 1, torch.randn(2, 5, 16)
    images, used = [], []
    for channels in (products.MIN_CHANNELS, 1):
        monkeypatch.setattr(products, "MIN_CHANNELS", channels)
        generator = make_generator(backbone_folder, merged)
        with torch.no_grad():
            images.append(generator(image, text)[0])
        used.append(any(isinstance(layer, OneDNNLinear) for layer in generator.backbone.unet.modules()))
    assert used == [False, True]
    assert torch.allclose(images[0], images[1], rtol=0, atol=2e-5)
