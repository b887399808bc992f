"""A method of a network as a module, for counting and timing."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from osediff.common.profiling import method_module


class Autoencoder(nn.Module):
    """A network of two halves."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder, self.decoder = nn.Linear(4, 2), nn.Linear(2, 4)

    def decode(self, latent: Tensor, scale: float = 1.0) -> Tensor:
        """Decode ``latent``."""
        decoded: Tensor = self.decoder(latent)
        return decoded * scale


def test_a_method_becomes_a_module_of_the_layers_it_uses() -> None:
    network = Autoencoder()
    decoder = method_module(network, "decode", [network.decoder])
    latent = torch.ones(1, 2)
    assert torch.equal(decoder(latent, scale=2.0), network.decode(latent, 2.0))
    assert sum(p.numel() for p in decoder.parameters()) == 2 * 4 + 4
    assert sum(p.numel() for p in method_module(network, "decode").parameters()) == 2 * 4 + 4 + 4 * 2 + 2
