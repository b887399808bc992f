"""LoRA on the backbone, and one UNet in three roles.

OSEDiff needs three denoisers: the generator's (LoRA, trained ``conv_in``), the fine-tuned regularizer (another LoRA)
and the frozen teacher. They differ by less than one percent of their weights, so one UNet has all three roles:
``Roles`` chooses the adapter that is active in the forward pass.

``Roles`` changes PEFT's layers directly. The public ``set_adapter`` also sets ``requires_grad`` to false on the
adapters that it deactivates. If it is called between forward and backward, autograd then drops their gradients without
a warning. The two attributes that are set instead are private to PEFT (checked with 0.21.2). The tests compare
gradients with those of three separate UNets.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

from diffusers import AutoencoderKL, UNet2DConditionModel
from peft import LoraConfig
from peft.tuners.tuners_utils import BaseTunerLayer
from torch import nn
from torch.utils.checkpoint import checkpoint

from osediff.models.adapter_names import GENERATOR, TEACHER


def targets(network: nn.Module, prefixes: tuple[str, ...]) -> list[str]:
    """Return names of the layers under ``prefixes`` that OSEDiff adapts: every convolution and linear layer.

    Time embeddings are left alone, as in the official code, where this gives 258 layers in the UNet of SD 2.1-base
    and 32 in its VAE encoder.
    """
    return [
        name
        for name, module in network.named_modules()
        if isinstance(module, nn.Conv2d | nn.Linear) and name.startswith(prefixes) and "time_emb" not in name
    ]


def add_lora(
    network: UNet2DConditionModel | AutoencoderKL, role: str, layers: list[str], rank: int, alpha: int
) -> None:
    """Add LoRA of ``rank`` and scale alpha / rank to ``layers`` (Gaussian A, zero B), named ``role``."""
    config = LoraConfig(r=rank, lora_alpha=alpha, init_lora_weights="gaussian", target_modules=layers)
    with warnings.catch_warnings():
        # PEFT warns of a second adapter on one network, which is intended here.
        warnings.filterwarnings("ignore", message="Already found a `peft_config`")
        network.add_adapter(config, adapter_name=role)


def lora_parameters(network: nn.Module, role: str) -> dict[str, nn.Parameter]:
    """Return the LoRA weights of ``role``, by their names in ``network``."""
    return {name: p for name, p in network.named_parameters() if f".{role}." in name}


class Roles:
    """Switches a network with adapters between its roles; a role without an adapter is the network without LoRA.

    ``trained_conv_in`` gives the generator a copy of ``conv_in`` whose weights are all trained, as in the official
    code; the other roles must not use it. Build this after the network is on its device.
    """

    def __init__(self, network: nn.Module, trained_conv_in: bool = False) -> None:
        self.layers = [module for module in network.modules() if isinstance(module, BaseTunerLayer)]
        self.current = TEACHER
        self.conv_in: nn.Module | None = None
        if trained_conv_in:
            layer: Any = network.conv_in
            self.conv_in_layer, self.frozen_conv_in = layer, layer.base_layer
            self.conv_in = copy.deepcopy(self.frozen_conv_in).requires_grad_(True)
        # After add_adapter, only the newest adapter is trainable; here every adapter is trained in its role.
        for name, parameter in network.named_parameters():
            if ".lora_" in name:
                parameter.requires_grad_(True)
        self._switch(TEACHER)

    def _switch(self, role: str) -> None:
        for layer in self.layers:
            has_role = role in layer.scaling  # type: ignore[operator]
            layer._disable_adapters = not has_role
            layer._active_adapter = [role] if has_role else []
        if self.conv_in is not None:
            self.conv_in_layer.base_layer = self.conv_in if role == GENERATOR else self.frozen_conv_in
        self.current = role

    @contextmanager
    def use(self, role: str) -> Iterator[None]:
        """Give the network ``role`` inside the ``with`` block, and its former role after it."""
        former = self.current
        self._switch(role)
        try:
            yield
        finally:
            self._switch(former)

    def set_role(self, role: str) -> None:
        """Give the network ``role`` permanently."""
        self._switch(role)

    def checkpoint(self, function: Callable[..., Any], *args: Any) -> Any:
        """Do gradient checkpointing that recomputes in the role of the forward pass, even if the role has changed.

        Pass it to ``enable_gradient_checkpointing(gradient_checkpointing_func=...)``. Recomputing in another role
        gives wrong gradients without an error, since the shapes agree.
        """
        role = self.current
        return checkpoint(function, *args, use_reentrant=False, context_fn=lambda: (nullcontext(), self.use(role)))
