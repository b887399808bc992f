"""Color correction: a restored image gets the colors of its LQ image."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

LEVELS = 5


def adain(image: Tensor, reference: Tensor) -> Tensor:
    """Return ``image`` with each channel's mean and deviation taken from ``reference``; both (3, H, W), any range."""
    mean, deviation = (f(image, (1, 2), keepdim=True) for f in (torch.mean, torch.std))
    wanted_mean, wanted_deviation = (f(reference, (1, 2), keepdim=True) for f in (torch.mean, torch.std))
    return (image - mean) / (deviation + 1e-6) * wanted_deviation + wanted_mean


def official_adain(image: Tensor, reference: Tensor) -> Tensor:
    """Do the same as ``adain`` in the way of the official code: 1e-5 is added to both variances; both in [0, 1]."""
    mean, deviation = image.mean((1, 2), keepdim=True), (image.var((1, 2), keepdim=True) + 1e-5).sqrt()
    wanted_mean = reference.mean((1, 2), keepdim=True)
    wanted_deviation = (reference.var((1, 2), keepdim=True) + 1e-5).sqrt()
    return (image - mean) / deviation * wanted_deviation + wanted_mean


def blurred(image: Tensor) -> Tensor:
    """Return the low frequencies of ``image`` (3, H, W): the smooth part of an à-trous wavelet transform, five levels.

    Each level smooths with the kernel (1, 2, 1) / 4 in both directions. Its taps are twice as far apart as those of the
    level before; edges are replicated.
    """
    taps = image.new_tensor([0.25, 0.5, 0.25])
    for level in range(LEVELS):
        gap = 2**level
        rows, columns = taps.view(1, 1, 3, 1).expand(3, 1, 3, 1), taps.view(1, 1, 1, 3).expand(3, 1, 1, 3)
        padded = F.pad(image[None], (gap, gap, gap, gap), mode="replicate")
        image = F.conv2d(F.conv2d(padded, rows, dilation=(gap, 1), groups=3), columns, dilation=(1, gap), groups=3)[0]
    return image


def wavelet(image: Tensor, reference: Tensor) -> Tensor:
    """Return ``image`` with its low frequencies replaced by those of ``reference``; both (3, H, W), any range."""
    return image - blurred(image) + blurred(reference)


Fix = Callable[[Tensor, Tensor], Tensor]
FIXES: dict[str, Fix] = {
    "adain": adain,
    "wavelet": wavelet,
    "none": lambda image, reference: image,
}
OFFICIAL_FIXES: dict[str, Fix] = {"adain": official_adain, "wavelet": wavelet}
