"""Attention in slices: the numbers of torch's attention, and where it is used."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from diffusers.models.attention_processor import Attention, AttnProcessor2_0
from torch import nn

from osediff.models import attention
from osediff.models.attention import SlicedAttention, attend, use_sliced_attention


@pytest.mark.parametrize("tokens", [40, attention.SLICE, attention.SLICE + 88])
def test_the_same_attention(tokens: int) -> None:
    torch.manual_seed(0)
    query, key, value = torch.randn(3, 2, 4, tokens, 16)
    expected = F.scaled_dot_product_attention(query.double(), key.double(), value.double())
    assert torch.allclose(attend(query, key, value).double(), expected, rtol=0, atol=2e-6)
    transposed = (x.transpose(1, 2).contiguous().transpose(1, 2) for x in (query, key, value))
    assert torch.allclose(attend(*transposed).double(), expected, rtol=0, atol=2e-6)


@pytest.mark.parametrize("shape", [(2, 32, 6, 7), (2, 42, 32)])
def test_a_layer_has_the_same_output(shape: tuple[int, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attention, "MIN_TOKENS", 1)
    torch.manual_seed(0)
    settings = (
        {"norm_num_groups": 4, "residual_connection": True, "rescale_output_factor": 1.5}
        if shape[1:3] == (32, 6)
        else {}
    )
    layer = Attention(32, heads=2, dim_head=16, bias=True, **settings)
    other = copy.deepcopy(layer)
    other.set_processor(SlicedAttention())
    x, text = torch.randn(shape), torch.randn(2, 5, 32)
    with torch.inference_mode():
        assert torch.allclose(other(x), layer(x), rtol=0, atol=2e-6)
        assert torch.equal(other(x, encoder_hidden_states=text), layer(x, encoder_hidden_states=text))
        monkeypatch.setattr(attention, "attend", lambda *_: pytest.fail("in slices"))
        monkeypatch.setattr(attention, "MIN_TOKENS", 43)
        assert torch.equal(other(x), layer(x))


@pytest.mark.parametrize("settings", [{"spatial_norm_dim": 32}, {"qk_norm": "layer_norm"}])
def test_layers_with_other_norms_stay(settings: dict[str, Any]) -> None:
    layer = Attention(320, heads=5, dim_head=64, **settings)
    use_sliced_attention(layer)
    assert type(layer.processor) is AttnProcessor2_0


def test_only_wide_layers_change() -> None:
    wide, narrow = Attention(320, heads=5, dim_head=64), Attention(32, heads=2, dim_head=16)
    network = nn.Sequential(wide, narrow)
    use_sliced_attention(network)
    assert [type(layer.processor) for layer in (wide, narrow)] == [SlicedAttention, AttnProcessor2_0]
