"""Build networks of pyiqa, only here: offline, from files that this suite reads, without executing a pickle.

pyiqa and its libraries fetch weights when a network is built, and unpickle them without checking their sha256. Here
their loaders are replaced during the construction: backbones are built without weights, and every value is read by
``osediff.common.tensor_files``. Checked with pyiqa 0.1.16, torchvision 0.29.2 and timm 1.0.31.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import re
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from osediff.common.errors import InputError
from osediff.common.pyiqa_loaders import replacements
from osediff.common.tensor_files import read_tensors

if TYPE_CHECKING:
    from torch import Tensor, nn

LOADING_ERRORS = (
    OSError,
    RuntimeError,
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    EOFError,
)


def create(name: str, paths: Sequence[Path], device: str = "cpu", as_loss: bool = False, **options: Any) -> nn.Module:
    """Build pyiqa's metric ``name`` on ``device`` with the weights in ``paths``, which contain the whole network.

    ``as_loss``: gradients flow through it. InputError if the files are damaged or belong to another network.
    """
    import pyiqa
    import torch

    try:
        with offline(), confined(name, paths), contextlib.redirect_stdout(sys.stderr):
            metric: nn.Module = pyiqa.create_metric(name, as_loss=as_loss, device=torch.device(device), **options)
            return metric
    except LOADING_ERRORS as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        files = ", ".join(map(str, paths))
        raise InputError(f"{name}: its weights cannot be loaded ({reason[:200]}), get anew {files}") from error


@contextlib.contextmanager
def confined(name: str, paths: Sequence[Path]) -> Iterator[None]:
    """Replace the loaders of weights in pyiqa and its libraries for the block: ``name`` gets what is in ``paths``."""
    import timm
    from pyiqa.archs import clip_model, clipiqa_arch, dists_arch, inception, lpips_arch, maniqa_arch, musiq_arch
    from torchvision import models

    def fill_network(net: nn.Module, *_: Any, **__: Any) -> None:
        fill(net, paths)

    def empty_vit(model: str, pretrained: bool = False, **more: Any) -> nn.Module:
        return timm_create(model, pretrained=False, **more)

    def clip(_: str, place: str) -> Any:
        return clip_model.load(str(paths[0]), place)

    timm_create = timm.create_model
    with contextlib.ExitStack() as stack:
        for module in (lpips_arch, dists_arch, musiq_arch, maniqa_arch, inception):
            stack.enter_context(patch.object(module, "load_pretrained_network", fill_network))
        for backbone in ("alexnet", "vgg16"):
            stack.enter_context(patch.object(models, backbone, empty_features(getattr(models, backbone))))
        stack.enter_context(patch.object(timm, "create_model", empty_vit))
        stack.enter_context(patch.object(clipiqa_arch, "load", clip))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        for arch, function, value in replacements(name, paths, folder, lambda net, files: fill(net, files)):
            stack.enter_context(patch.object(importlib.import_module(f"pyiqa.archs.{arch}"), function, value))
        yield


def empty_features(builder: Callable[..., Any]) -> Callable[..., Any]:
    """Return a torchvision ``builder`` whose network has no weights yet, and whose classifier takes no memory."""

    def build(*_: Any, **__: Any) -> Any:
        import torch

        with torch.device("meta"):
            network = builder(weights=None)
        network.features.to_empty(device="cpu")
        return network

    return build


def fill(net: nn.Module, paths: Sequence[Path]) -> None:
    """Load all of ``paths`` into ``net``; RuntimeError where a parameter is missing or has another shape.

    The convolutions of LPIPS and DISTS have torchvision's names, and their constants need not be in a file.
    """
    state: dict[str, Tensor] = {}
    for path in paths:
        state |= read_tensors(path, ("params",))
    if type(net).__name__ not in ("LPIPS", "DISTS"):
        net.load_state_dict({key.removeprefix("module."): value for key, value in state.items()}, strict=True)
        return
    expected = net.state_dict()
    names = {key: re.sub(r"^(?:net\.slice|stage)\d\.(\d+)\.", r"features.\1.", key) for key in expected}
    missing = net.load_state_dict({key: state[name] for key, name in names.items() if name in state}, strict=False)
    lacking = set(missing.missing_keys) & {name for name, _ in net.named_parameters()}
    if lacking:
        raise RuntimeError(f"{sorted(lacking)[0]} is in none of the files")


@contextlib.contextmanager
def offline() -> Iterator[None]:
    """Forbid downloads inside the block: a library that tries one gets an error."""

    class Refuse(urllib.request.BaseHandler):
        handler_order = 0  # before any handler that would connect

        def http_open(self, request: urllib.request.Request) -> None:
            raise urllib.error.URLError(f"it wants to download {request.full_url}")

        https_open = http_open

    os.environ["HF_HUB_OFFLINE"] = "1"  # huggingface_hub does not use urllib; it reads this when it is imported
    urllib.request.install_opener(urllib.request.build_opener(Refuse))
    try:
        yield
    finally:
        urllib.request.install_opener(urllib.request.build_opener())
