"""A trained model as a folder that diffusers reads without this suite, with a model card; and its way to the hub."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from osediff.sharing.folder import write_folder

__all__ = ["INDEX", "write_folder"]

INDEX = "model_index.json"  # without which diffusers reads nothing; it is written last


def __getattr__(name: str) -> Any:
    # Imported when first asked for: few commands write such a folder.
    if name == "write_folder":
        from osediff.sharing.folder import write_folder

        return write_folder
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
