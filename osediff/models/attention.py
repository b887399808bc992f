"""Attention on the CPU in slices of queries, as two products for each slice, for inference.

torch's kernel for the CPU multiplies by MKL, in bfloat16 too. The two products of ``osediff.common.products`` take
about half its time, although each slice of scores is written to memory; slices keep them in the cache.
"""

from __future__ import annotations

from diffusers.models.attention_processor import Attention, AttnProcessor2_0
from torch import Tensor, nn

from osediff.common.products import MIN_CHANNELS, multiply

SLICE = 512  # queries
MIN_TOKENS = 512  # with fewer, torch's kernel is as fast


def attend(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Return the attention of ``query``, ``key`` and ``value`` (N, heads, tokens, channels), of the same shape."""
    result = query.new_empty(query.shape)
    scaled = query * query.shape[-1] ** -0.5
    inputs = (x.flatten(0, 1).contiguous() for x in (scaled, key, value))
    for q, k, v, out in zip(*inputs, result.flatten(0, 1), strict=True):
        for queries, part in zip(q.split(SLICE), out.split(SLICE), strict=True):
            part.copy_(multiply(multiply(queries, k).softmax(-1), v.t()))
    return result


class SlicedAttention(AttnProcessor2_0):  # type: ignore[misc]
    """Self-attention of many tokens by ``attend``; everything else as diffusers does it."""

    def __call__(
        self,
        attn: Attention,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor | None = None,
        attention_mask: Tensor | None = None,
        temb: Tensor | None = None,
    ) -> Tensor:
        """Return the output of the layer ``attn`` for ``hidden_states`` (N, tokens, channels) or (N, C, H, W)."""
        tokens = hidden_states.flatten(2).transpose(1, 2) if hidden_states.ndim == 4 else hidden_states
        if encoder_hidden_states is not None or attention_mask is not None or tokens.shape[1] < MIN_TOKENS:
            others = encoder_hidden_states, attention_mask, temb
            result: Tensor = super().__call__(attn, hidden_states, *others)
            return result
        normalized = tokens
        if attn.group_norm is not None:
            normalized = attn.group_norm(tokens.transpose(1, 2)).transpose(1, 2)
        projections = (attn.to_q, attn.to_k, attn.to_v)
        heads = (to(normalized).unflatten(-1, (attn.heads, -1)).transpose(1, 2) for to in projections)
        output: Tensor = attn.to_out[0](attend(*heads).transpose(1, 2).flatten(2))  # [1] is a dropout
        if hidden_states.ndim == 4:
            output = output.transpose(1, 2).reshape(hidden_states.shape)
        if attn.residual_connection:
            output = output + hidden_states
        return output / float(attn.rescale_output_factor)


def use_sliced_attention(network: nn.Module) -> None:
    """Let the wide attention layers of ``network`` compute by ``SlicedAttention``.

    Layers that normalize by a second input, or normalize queries or keys, stay as they are; Stable Diffusion has none.
    """
    for layer in network.modules():
        if (
            isinstance(layer, Attention)
            and type(layer.processor) is AttnProcessor2_0
            and layer.inner_dim >= MIN_CHANNELS
            and layer.spatial_norm is layer.norm_q is layer.norm_k is None
        ):
            layer.set_processor(SlicedAttention())
