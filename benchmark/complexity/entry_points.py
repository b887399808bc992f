"""Import functions by ``module:function``, so that counting and timing need not import the packages of methods."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from osediff.common.errors import InputError


def load_entry_point(name: str) -> Callable[..., Any]:
    """Import the function that ``module:function`` names; InputError if there is none."""
    module, _, function = name.partition(":")
    try:
        loaded: Callable[..., Any] = getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError) as error:
        raise InputError(f"{name} cannot be loaded ({error}); correct the entry point") from error
    return loaded


def failure_line(error: Exception) -> str:
    """Describe ``error`` in one line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}"
