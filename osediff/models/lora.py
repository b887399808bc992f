"""LoRA on the backbone, and one UNet in three roles.

OSEDiff needs three denoisers: the generator's (LoRA, trained ``conv_in``), the fine-tuned regularizer (its own LoRA)
and the frozen teacher. They differ by less than one percent of their weights, so one UNet plays all three: ``Roles``
switches which adapter takes part in the forward pass.

Switching is done on PEFT's layers directly. The public ``set_adapter`` also turns ``requires_grad`` off on the
adapters it leaves, and autograd then drops their gradients without a word if the switch comes between forward and
backward. The two attributes that are set instead are private to PEFT (checked with 0.21.2); the tests compare gradients
with those of three separate UNets.
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

GENERATOR = "generator"
REGULARIZER = "regularizer"
TEACHER = "teacher"

UNET_GROUPS = {"down": ("down_blocks.", "conv_in"), "mid": ("mid_block.",), "up": ("up_blocks.", "conv_out")}
VAE_GROUPS = {"encoder": ("encoder.", "quant_conv"), "decoder": ("decoder.", "post_quant_conv")}


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
        # PEFT warns of a second adapter on one network, which is the very design here.
        warnings.filterwarnings("ignore", message="Already found a `peft_config`")
        network.add_adapter(config, adapter_name=role)


def lora_parameters(network: nn.Module, role: str) -> dict[str, nn.Parameter]:
    """Return the LoRA weights of ``role``, by their names in ``network``."""
    return {name: p for name, p in network.named_parameters() if f".{role}." in name}


class Roles:
    """Switches a network with adapters between its roles; a role without an adapter is the bare network.

    ``trained_conv_in`` gives the generator a fully trained copy of ``conv_in`` (the official code trains it whole),
    which the other roles must not see. Build this after the network is on its device.
    """

    def __init__(self, network: nn.Module, trained_conv_in: bool = False) -> None:
        self.layers = [module for module in network.modules() if isinstance(module, BaseTunerLayer)]
        self.current = TEACHER
        self.conv_in: nn.Module | None = None
        if trained_conv_in:
            layer: Any = network.conv_in
            self.conv_in_layer, self.frozen_conv_in = layer, layer.base_layer
            self.conv_in = copy.deepcopy(self.frozen_conv_in).requires_grad_(True)
        # add_adapter leaves only the newest adapter trainable; here all of them are trained, each in its role.
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
        """Let the network play ``role`` inside the ``with`` block, and its former role after it."""
        former = self.current
        self._switch(role)
        try:
            yield
        finally:
            self._switch(former)

    def set_role(self, role: str) -> None:
        """Leave the network in ``role`` for good."""
        self._switch(role)

    def checkpoint(self, function: Callable[..., Any], *args: Any) -> Any:
        """Gradient checkpointing that recomputes in the role of the forward pass, whatever the role is by then.

        Hand it to ``enable_gradient_checkpointing(gradient_checkpointing_func=...)``. Recomputing in another role
        gives wrong gradients without an error, since the shapes agree.
        """
        role = self.current
        return checkpoint(function, *args, use_reentrant=False, context_fn=lambda: (nullcontext(), self.use(role)))
