"""The adapter of a baseline: the module that its descriptor names, and the options that the module declares.

An adapter has a class ``Options``, a model of the descriptor's ``settings``, and a function that loads the networks and
returns the function that restores one image. docs/add-a-baseline.md describes both.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, cast

import numpy as np

from baselines.runner.descriptor import Scalar
from osediff.common.errors import InputError
from osediff.common.profiling import ProfiledModule
from osediff.common.settings import Settings, parse

if TYPE_CHECKING:
    from torch import Tensor

Restore = Callable[[np.ndarray, str, int | None], np.ndarray]
"""Restores one image: LR image, its name, its seed (None in an official stream) -> SR image."""
Plain = int | str | list[str]
Contents = Mapping[str, "Tensor | Plain | Contents"]
"""Names and tensors of a checkpoint. If the official file wraps its weights, the wrapper is a mapping too.

A number or text that the official file has beside its weights stands as it is.
"""
Layout = Mapping[str, "Contents | Tensor | str"]
"""Checkpoints, and texts such as configurations, by their path below weights/ of the sources."""


class NoOptions(Settings):
    """Options of an adapter that takes none."""


@dataclass(frozen=True)
class Adapter:
    """The code of a baseline, imported, and its options, checked."""

    entry: str
    """module:function, as in the descriptor."""
    module: ModuleType
    options: Settings

    def load(self, sources: Path, device: str, cache: Path) -> Restore:
        """Load the networks and return the function that restores one image.

        Args:
            sources: folder of checkouts and weights.
            device: cpu or cuda.
            cache: folder for captions and other data that do not depend on the seed.
        """
        return cast(Restore, self._function(self.entry.split(":")[1])(sources, self.options, device, cache))

    def layout(self, sources: Path) -> Layout:
        """Return names and shapes of the official checkpoints.

        Raises:
            InputError: the adapter has no function ``layout``.
        """
        return cast(Layout, self._function("layout")(sources, self.options))

    def profiled_modules(self, sources: Path, lr_size: int) -> list[ProfiledModule]:
        """Return the networks, on the meta device, with their calls for an LR image of ``lr_size`` pixels a side.

        Raises:
            InputError: the adapter has no function ``profiled_modules``.
        """
        function = self._function("profiled_modules")
        return list(cast(Iterator[ProfiledModule], function(sources, self.options, lr_size)))

    def _function(self, name: str) -> Callable[..., object]:
        function: Callable[..., object] | None = getattr(self.module, name, None)
        if function is None:
            raise InputError(f"{self.module.__name__}: has no function {name}; see docs/add-a-baseline.md")
        return function


def import_adapter(baseline: str, entry: str, values: Mapping[str, Scalar]) -> Adapter:
    """Import the adapter of a baseline and check its options.

    Args:
        baseline: name of the baseline, for messages.
        entry: ``runs.entry`` of the descriptor, module:function.
        values: values of the descriptor's ``settings``.

    Raises:
        InputError: the adapter takes other options than the descriptor gives.
    """
    module = importlib.import_module(entry.split(":")[0])
    model: type[Settings] = getattr(module, "Options", NoOptions)
    return Adapter(entry, module, parse(dict(values), model, f"baselines/{baseline}/descriptor.yaml, settings"))
