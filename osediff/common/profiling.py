"""What a method is made of, for counting its operations and for timing it.

A loader, ``module:function`` in config/complexity.yaml, is called as ``function(size, **options)`` and returns the
method's networks with random weights, built on the device that is current: ``with torch.device("meta")`` for counting,
where weights take no memory.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import nn


@dataclass(frozen=True)
class Part:
    """One network of a method, called ``runs`` times for one image.

    ``arguments`` and ``keywords`` are what ``module`` is called with for one image of the size that was asked for.
    ``runs`` counts steps, and both branches of classifier-free guidance. ``trainable`` has the number of trained
    weights by group. Parameters that parts share are counted once for the method, by identity.
    """

    name: str
    module: nn.Module
    arguments: tuple[Any, ...] = ()
    keywords: Mapping[str, Any] = field(default_factory=dict)
    runs: int = 1
    trainable: Mapping[str, int] = field(default_factory=dict)


class Call(nn.Module):
    """A method of a network as a module of its own, such as an autoencoder's ``decode``."""

    def __init__(self, network: nn.Module, method: str) -> None:
        super().__init__()
        self.network, self.method = network, method

    def forward(self, *arguments: Any, **keywords: Any) -> Any:
        """What ``network.method(...)`` returns."""
        return getattr(self.network, self.method)(*arguments, **keywords)
