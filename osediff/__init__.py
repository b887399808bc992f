"""OSEDiff: one-step diffusion for real-world image super-resolution (Wu et al., NeurIPS 2024, arXiv 2406.08177).

from osediff import OSEDiff
sr = OSEDiff.from_pretrained("runs/demo/train/osediff", backbone="backbones/demo")(lr_image)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from osediff.pipeline import OSEDiff

__all__ = ["OSEDiff"]


def __getattr__(name: str) -> Any:
    # Imported when first asked for: torch and diffusers take seconds, and most commands need less.
    if name == "OSEDiff":
        from osediff.pipeline import OSEDiff

        return OSEDiff
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
