"""Describe the networks of a method, for counting, timing and the roofline.

An entry point, ``module:function`` in config/complexity.yaml, is called as ``function(size, **options)`` and returns
the method's networks with random weights, built on the current device: under ``torch.device("meta")`` the weights take
no memory.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # torch takes seconds to import
    from torch import nn


@dataclass(frozen=True)
class ProfiledModule:
    """One network of a method, and how it is called for one image.

    Attributes:
        name: name of the network in tables.
        module: the network. Parameters that modules of a method share are counted for the first of them.
        arguments: positional arguments of one call.
        keywords: keyword arguments of one call.
        calls: number of calls for one image: steps, and both branches of classifier-free guidance.
        trainable: number of its parameters that the method trains.
    """

    name: str
    module: nn.Module
    arguments: tuple[Any, ...] = ()
    keywords: Mapping[str, Any] = field(default_factory=dict)
    calls: int = 1
    trainable: int = 0


def method_module(network: nn.Module, method: str, layers: Sequence[nn.Module] | None = None) -> nn.Module:
    """Wrap a method of ``network``, such as an autoencoder's ``decode``, as a module.

    Args:
        network: the network.
        method: name of the method that ``forward`` calls.
        layers: the parts of ``network`` that the method uses; the module has their parameters only. None: all parts.
    """
    from torch import nn

    class MethodModule(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = nn.ModuleList([network] if layers is None else layers)

        def forward(self, *arguments: Any, **keywords: Any) -> Any:
            return getattr(network, method)(*arguments, **keywords)

    return MethodModule()
